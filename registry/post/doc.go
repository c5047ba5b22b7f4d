// Package post writes to the chain. Only admin/ uses it: a device has no
// account and posts nothing.
package post
