//go:build arm || 386

package sudo

import "golang.org/x/sys/unix"

// Here the plain names take ids of 16 bits: 65536 would be root.
const (
	sysSetresuid = unix.SYS_SETRESUID32
	sysSetresgid = unix.SYS_SETRESGID32
	sysSetgroups = unix.SYS_SETGROUPS32
)
