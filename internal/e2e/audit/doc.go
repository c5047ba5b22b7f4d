// Package audit runs the two who look over an administrator's shoulder, on the
// real sandbox: an auditor who is handed a file and has no network at all, with
// the block's hash from a node or with a real witness's signature; and a monitor
// at work, whose alerts reach syslog.
package audit
