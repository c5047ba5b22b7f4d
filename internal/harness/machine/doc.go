// Package machine makes the namespace's machine a device: enrolled in an
// organisation (harness/fleet), dpkid as its two processes, a real sshd that
// asks the helper. A test has one at a time.
package machine
