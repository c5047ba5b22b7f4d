// Package receive is a person's side: what was delivered to him is fetched,
// checked and installed below a folder of his own, where his ssh finds it. `dpki
// receive` is its one user. A person holds no chain account and no zone's key, so
// nothing here can write to the log; internal/imports holds that.
//
// It trusts the logs, as registry/verify proves them through admin/ledger, and the
// person's own identity. What stores serve counts by its hash, and what was sealed
// to him by the entries that the verified logs have of it: who announced it, which
// CA it is of, whether its grant stands (search, judge).
//
// What counts is installed whole or not at all, and what is in use stays until
// something replaces it or the log takes it away (install). Whom ssh believes is
// kept for each zone apart, and what cannot be read freezes no trust (ssh).
//
// Errors that people read are *fault.Problem.
package receive
