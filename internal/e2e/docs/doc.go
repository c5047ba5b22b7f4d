// Package docs runs the commands of docs/operations.md on a machine of their
// own, in their order, and holds what the documents say beside the code.
//
// A block that begins with
//
//	```sh
//
// runs in one bash, so that a later block sees the variables and the processes
// of an earlier one; each of its commands must succeed. In a block that begins with
//
//	```sh exit=3
//
// the last command must end with that status. A block that cannot run here is
// marked ```text, and the line before it says why: (not run: the reason).
package docs
