// Package login runs the system's ssh with a key that exists for one grant
// only: the key lives in an agent in this process, with the grant's lifetime,
// and never in a file. The host is known by the key in the roster; no
// known_hosts file of the user is read or written.
//
// The temporary folder holds the agent's socket, the public key, the
// certificate and the host key, is of mode 0700 and is removed afterwards.
package login
