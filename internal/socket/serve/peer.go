package serve

import (
	"net"

	"golang.org/x/sys/unix"
)

// Peer is who connected, as the kernel recorded it at connect(2). PID may have been given to another process since: compare its
// start time before trusting what /proc says about it.
type Peer struct {
	PID int32
	UID uint32
	GID uint32
}

func peerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if credErr != nil {
		return Peer{}, credErr
	}
	return Peer{PID: cred.Pid, UID: cred.Uid, GID: cred.Gid}, nil
}
