// Package people tests people as recipients: the real dpki as a user without root
// and without a chain account, on content that comes through an IPFS node, and the
// real ssh with nothing but what was received, against a device of dpkid and sshd.
package people
