// Package file writes files whole or not at all, and reads those that hold
// secrets: what nobody else could have read or changed, checked on the opened
// descriptor, so that nobody can swap it between check and use.
package file
