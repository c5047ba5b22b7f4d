// Package sshca issues SSH certificates (PROTOCOL.certkeys, docs/formats.md section 10) and holds the ways to reach a CA's
// key: an OpenSSH private key file, or a running ssh-agent and, through it, PKCS#11 and FIDO devices.
//
// A certificate that this package returns has passed the same checks that a device makes (package profile) and its signature
// was verified, so that a broken signer is found here. Nothing else is ever signed: no certificate without a principal or with
// two, none without an end, RSA with SHA-512 only. Private keys are never logged; passphrases come by callback and are wiped.
package sshca
