// Package mirror holds tests of a real `dpki mirror` before a real chain and a
// real content store, with a device whose network has nothing but that mirror.
package mirror
