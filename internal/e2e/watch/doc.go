// Package watch tests watchdogs on real parts: a daemon whose zone demands their
// signatures on what is delivered, on a real chain and a real content store.
package watch
