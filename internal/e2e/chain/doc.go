// Package chain holds tests of what can stand in the log, and of what an
// attacker can present beside it, on a device that follows a real chain: dpkid
// as its two processes, a real sshd. Each refusal is asserted by its reason in
// the daemon's audit, and followed by a login that the same sshd accepts.
//
// What needs no chain is in e2e/helper.
package chain
