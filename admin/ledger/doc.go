// Package ledger is the verified log of an organisation as an administrator
// reads it: any scope on request, each entry checked by registry/verify.
//
// What was read is kept in one file, so that the next command asks only for
// what is new. The file is trusted like the rest of the admin's folders, but
// not blindly: its entries must replay to the hash that it claims, else it is
// ignored and everything is read again. Deleting it changes no answer.
package ledger
