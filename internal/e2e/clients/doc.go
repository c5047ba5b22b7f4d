// Package clients tests how people know a host without a known_hosts file: the real
// ssh with an empty home, and what dpki writes and answers for it.
package clients
