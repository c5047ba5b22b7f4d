// Package login holds tests of whole logins: a development chain, the daemon as
// two processes, the helper as sshd runs it, a real sshd and a real ssh. What an
// administrator writes comes from harness/fleet.
package login
