// Package kubo runs real IPFS nodes for a test: kubo daemons with repositories of their own, offline, or in a private swarm
// whose key nobody else has, on loopback ports only.
package kubo
