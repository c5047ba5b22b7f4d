// Package sshkey makes the key pairs of tests: in memory as signers, and as the
// files that OpenSSH reads.
package sshkey
