package main

import (
	"errors"
	"io"
	"syscall"
	"time"

	"dpki/internal/socket"
)

var (
	errTimeout = errors.New("timeout")
	errPeer    = errors.New("not root's process listens there")
)

// exchange sends the request to the Unix socket and reads the answer, by system calls: package net would treble the program.
// ENOENT and ECONNREFUSED come from connecting only, as they are.
func exchange(path string, daemon uint32, deadline time.Time, request []byte) (socket.Answer, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return socket.Answer{}, errors.New("socket: " + err.Error())
	}
	c := conn{fd: fd, deadline: deadline}
	defer syscall.Close(fd)
	if err := c.connect(path); err != nil {
		return socket.Answer{}, err
	}
	// The folder of the socket is root's; this is for the day on which it is not.
	peer, err := syscall.GetsockoptUcred(fd, syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	if err != nil || peer.Uid != daemon {
		return socket.Answer{}, errPeer
	}
	if err := c.writeAll(request); err != nil {
		return socket.Answer{}, errors.New("write: " + err.Error())
	}
	answer, err := socket.ReadAnswer(c)
	if err != nil {
		return socket.Answer{}, errors.New("read: " + err.Error())
	}
	return answer, nil
}

// conn is a blocking socket with a deadline. The runtime interrupts system calls with signals, so each may say EINTR.
type conn struct {
	fd       int
	deadline time.Time
}

// arm gives the next call of one direction the time that is left.
func (c conn) arm(option int) error {
	left := time.Until(c.deadline)
	if left <= 0 {
		return errTimeout
	}
	// Zero would be no timeout at all.
	tv := syscall.NsecToTimeval(max(left, time.Millisecond).Nanoseconds())
	return syscall.SetsockoptTimeval(c.fd, syscall.SOL_SOCKET, option, &tv)
}

func (c conn) connect(path string) error {
	for {
		if err := c.arm(syscall.SO_SNDTIMEO); err != nil {
			return err
		}
		switch err := syscall.Connect(c.fd, &syscall.SockaddrUnix{Name: path}); err {
		case nil, syscall.EISCONN:
			return nil
		case syscall.EINTR:
		case syscall.ENOENT, syscall.ECONNREFUSED:
			return err
		default:
			return errors.New("connect: " + timeout(err).Error())
		}
	}
}

func (c conn) writeAll(b []byte) error {
	for len(b) > 0 {
		if err := c.arm(syscall.SO_SNDTIMEO); err != nil {
			return err
		}
		// Not write(2): a daemon that is gone must not end us by SIGPIPE.
		n, err := syscall.SendmsgN(c.fd, b, nil, nil, syscall.MSG_NOSIGNAL)
		if err != nil && err != syscall.EINTR {
			return timeout(err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// Read implements io.Reader.
func (c conn) Read(b []byte) (int, error) {
	for {
		if err := c.arm(syscall.SO_RCVTIMEO); err != nil {
			return 0, err
		}
		switch n, err := syscall.Read(c.fd, b); {
		case err == syscall.EINTR:
		case err != nil:
			return 0, timeout(err)
		case n == 0 && len(b) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// timeout names what SO_RCVTIMEO and SO_SNDTIMEO report as EAGAIN.
func timeout(err error) error {
	if err == syscall.EAGAIN || err == syscall.EINPROGRESS {
		return errTimeout
	}
	return err
}
