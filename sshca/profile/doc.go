// Package profile says which SSH keys and certificates DPKI deals with (PROTOCOL.certkeys of OpenSSH, docs/formats.md section
// 10). It is the one place of these rules: the CA refuses to sign what CheckUser refuses, and the login decision refuses to
// accept it.
//
// Parsing is bounded and canonical: at most MaxBlob bytes, nothing after the key, no spelling but the one that marshals back
// to the same bytes, and only the algorithms of the profile. A certificate whose signature key is a certificate
// (CVE-2025-49825) is refused, and so is one without principals, with "" or with two (CVE-2024-7594, CVE-2026-35414).
//
// x/crypto's CertChecker is not used: it accepts a certificate without principals, accepts "" as a principal and leaves the
// authority to a callback.
package profile
