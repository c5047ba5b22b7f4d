// Package faults holds tests of what breaks around a login that is right: the
// daemon, its two processes, the network, the chain, the disk. What was known
// is kept, what restricts counts, and sshd is told no where nobody knows.
package faults
