// Package socket is the codec of the daemon's local sockets, docs/formats.md section 11. It imports nothing that opens a
// connection, so that the AuthorizedKeysCommand helper, which must stay small and without package net, shares it with the
// daemon; the daemon's side is package serve.
//
//	request   "DPK1" | u8 type | u16 length of what follows | fields, each u16 length | bytes     at most 64 KiB
//	answer    u8 code | u16 length | text                                                          text at most 16 KiB
//
// Integers are big endian. One request and one answer a connection; the server closes after its answer and an answer is only
// complete at that end of file. Whatever is malformed closes the connection, and a closed connection is a denial: Code's zero
// value is Deny and every function that fails returns it.
package socket
