// Package chainkey keeps the key of an administrator's chain account as a
// keystore V3 file (the Web3 Secret Storage Definition, version 3): AES-CTR
// under scrypt. The address stands in it in clear, so that everything but
// signing works without the passphrase.
package chainkey
