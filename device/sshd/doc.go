// Package sshd is what a device needs to know of its OpenSSH server: which
// version it is, what its configuration comes to, and the drop-in that lets it
// ask dpki. It runs sshd's own test modes and believes those rather than a
// reading of the files.
package sshd
