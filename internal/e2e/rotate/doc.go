// Package rotate tests how a fleet changes what it trusts: a compromised CA
// replaced everywhere, a successor that devices say they know.
package rotate
