// Package nearest finds the names that a mistyped one may have meant.
package nearest
