// Package deliver tests deliveries on real parts: the daemon, its sshd, and IPFS
// nodes in a private swarm with the administrator on one and the device on the
// other.
package deliver
