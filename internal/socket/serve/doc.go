// Package serve is the daemon's side of the local sockets, and a client for the commands and PAM's tests: one request and one
// answer a connection (package socket), peers told apart by SO_PEERCRED (unix(7)).
//
// It fails closed: a Server without a Handler, an Allow or Types denies; a peer that is not allowed, a malformed request, a type
// that this socket does not serve and a handler that panics close the connection without an answer; a whole exchange has one deadline; connections beyond
// MaxConns are closed at once, so that a user who can reach the socket cannot exhaust the daemon.
package serve
