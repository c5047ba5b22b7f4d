// Package timer tests what the packages bring for renewing without anybody: dpki-rotate.timer, its service and the
// administrator of its own that it runs as, against a real chain and a device whose sshd gets the certificate.
//
// With -systemd (make run-systemd) the timer, the renewal, the daemon and sshd are started by a real systemd, in their
// sandboxes. Without it, what the units say is run by hand: the same command, as the same user.
package timer
