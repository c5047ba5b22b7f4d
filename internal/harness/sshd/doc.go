// Package sshd runs the real OpenSSH server for a test: on a loopback port, with a host key and a configuration of its own,
// its debug log kept. The configuration holds what the test says first, because sshd takes the first value of an option.
package sshd
