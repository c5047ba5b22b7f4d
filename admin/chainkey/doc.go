// Package chainkey keeps the key of an administrator's chain account as a
// keystore V3 file (the Web3 Secret Storage Definition, version 3): AES-CTR
// under scrypt. The address stands in it in clear, so that everything but
// signing works without the passphrase.
//
// Or the file names who has the key (External): a program on this machine that
// speaks clef's protocol, over a Unix socket or loopback HTTP, or a Ledger. Then
// no key is ever in this process, and its owner sees there what is signed.
package chainkey
