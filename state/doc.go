// Package state holds DPKI's model of an organisation: identifiers, log
// entries and their codec, the running hash of a scope, and the facts that
// replaying verified entries establishes. docs/formats.md sections 1 to 3 and
// 5 give the bytes.
//
// It is a leaf: the standard library and SHA-3, no network, no chain library,
// no keys. It trusts its callers for one thing only, that a Log was compared
// with a proven hash before facts are built from it (registry/verify does so).
//
// Nothing here panics on foreign bytes. Parsers are bounded, refuse trailing
// bytes and non-canonical forms, and satisfy Marshal(Parse(x)) == x. The zero
// State knows no CA and no grant, so a decision on it denies.
package state
