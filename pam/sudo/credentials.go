package sudo

import (
	"fmt"
	"os"
	"unsafe"

	"dpki/pam/proc"

	"golang.org/x/sys/unix"
)

// borrow gives this thread alone a user's effective ids and groups: raw system calls, where package syscall would change all
// threads. Real and saved ids stay root's, so that the user cannot signal the thread and restore can go back.
func borrow(id proc.Identity) (restore func() error, err error) {
	before, err := os.Getgroups()
	if err != nil {
		return nil, err
	}
	old := proc.Identity{}
	for _, g := range before {
		old.Groups = append(old.Groups, uint32(g))
	}
	restore = func() error {
		// The uid first: without it the rest is not allowed.
		if err := setEffective(sysSetresuid, old.UID); err != nil {
			return err
		}
		if err := setEffective(sysSetresgid, old.GID); err != nil {
			return err
		}
		return setGroups(old.Groups)
	}
	if err := setGroups(id.Groups); err != nil {
		return restore, fmt.Errorf("sudo: setgroups: %w", err)
	}
	if err := setEffective(sysSetresgid, id.GID); err != nil {
		return restore, fmt.Errorf("sudo: setresgid: %w", err)
	}
	if err := setEffective(sysSetresuid, id.UID); err != nil {
		return restore, fmt.Errorf("sudo: setresuid: %w", err)
	}
	return restore, nil
}

// setEffective is setresuid(-1, id, -1), or the same of groups.
func setEffective(call uintptr, id uint32) error {
	const keep = ^uintptr(0)
	if _, _, e := unix.RawSyscall(call, keep, uintptr(id), keep); e != 0 {
		return e
	}
	return nil
}

func setGroups(groups []uint32) error {
	if _, _, e := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0); e != 0 {
		return e
	}
	return nil
}
