// Package vendor adds devices by the thousand, from a vendor's file, with the real
// command on a real chain, which is killed in the middle.
package vendor
