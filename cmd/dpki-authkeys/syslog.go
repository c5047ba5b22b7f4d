package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// severity is syslog's (RFC 3164 section 4.1.1).
type severity int

const (
	alert   severity = 1
	warning severity = 4
	notice  severity = 5
	info    severity = 6

	authpriv = 10 << 3 // facility: readable by administrators only
)

// syslog sends to the local daemon's datagram socket.
type syslog struct {
	path, tag string
}

// write sends one message, or nothing: where no daemon listens or its queue is full, a login must not wait.
func (s syslog) write(sev severity, message string, now time.Time) {
	if message == "" {
		return
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	line := "<" + strconv.Itoa(authpriv|int(sev)) + ">" + now.Format(time.Stamp) + " " +
		s.tag + "[" + strconv.Itoa(os.Getpid()) + "]: " + clean(message)
	for range 3 {
		if err := syscall.Sendto(fd, []byte(line), syscall.MSG_NOSIGNAL, &syscall.SockaddrUnix{Name: s.path}); err != syscall.EINTR {
			return
		}
	}
}
