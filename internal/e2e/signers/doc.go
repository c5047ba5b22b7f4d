// Package signers runs the ways to sign that keep keys out of dpki: a real clef
// beside it, which asks its owner; a CA's key in an ssh-agent, and in a PKCS#11
// module behind it (softhsm2). And it looks whether any secret ever stands in an
// argument, in an environment or in what is printed.
package signers
