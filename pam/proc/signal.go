package proc

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Handle holds on to one process: signals through it can never reach another that got the id later.
type Handle struct {
	Process
	fd *os.File // pidfd_open(2), Linux 5.3; nil on older kernels
}

// Open takes hold of the process.
func (p Process) Open() (*Handle, error) {
	fd, err := unix.PidfdOpen(int(p.PID), unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.EINVAL) { // PIDFD_NONBLOCK is of 5.10
		if fd, err = unix.PidfdOpen(int(p.PID), 0); err == nil {
			err = unix.SetNonblock(fd, true)
		}
	}
	h := &Handle{Process: p}
	switch {
	case err == nil:
		h.fd = os.NewFile(uintptr(fd), "pidfd")
	case errors.Is(err, unix.ESRCH):
		return nil, ErrGone
	case !errors.Is(err, unix.ENOSYS):
		return nil, err
	}
	// The descriptor is of whoever had the id when it was opened: now that it is held, the start time tells who that is.
	if !p.Alive() {
		h.Close()
		return nil, ErrGone
	}
	return h, nil
}

// Close lets go.
func (h *Handle) Close() {
	if h.fd != nil {
		h.fd.Close()
	}
}

// Signal sends to this process alone. A process that has ended is ErrGone.
func (h *Handle) Signal(s unix.Signal) error {
	var err error
	if h.fd == nil {
		if !h.Alive() {
			return ErrGone
		}
		err = unix.Kill(int(h.PID), s)
	} else {
		err = control(h.fd, func(fd int) error { return unix.PidfdSendSignal(fd, s, nil, 0) })
	}
	if errors.Is(err, unix.ESRCH) {
		return ErrGone
	}
	return err
}

// Wait returns nil when the process has ended, or ctx's error. One goroutine at a time may wait.
func (h *Handle) Wait(ctx context.Context) error {
	if h.fd == nil {
		return h.poll(ctx)
	}
	rc, err := h.fd.SyscallConn()
	if err != nil {
		return err
	}
	if err := h.fd.SetReadDeadline(time.Time{}); err != nil {
		return h.poll(ctx)
	}
	ran := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { h.fd.SetReadDeadline(time.Unix(1, 0)); close(ran) })
	defer func() {
		if !stop() {
			<-ran // the next Wait sets a deadline of its own
		}
	}()
	err = rc.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		return err == nil && n == 1
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return h.poll(ctx) // a kernel whose pidfd the runtime cannot wait for
	}
	return nil
}

func (h *Handle) poll(ctx context.Context) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for h.Alive() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

func control(f *os.File, do func(fd int) error) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := rc.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	return inner
}
