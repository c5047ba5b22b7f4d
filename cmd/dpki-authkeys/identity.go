package main

import (
	"errors"
	"syscall"
	"unsafe"
)

// identity is who the kernel says runs this process. An sshd that forgot to drop its supplementary groups handed them to its helper
// (CVE-2021-41617).
type identity struct {
	uid, gid [3]uint32 // real, effective, saved
	groups   []int     // supplementary
}

func identify() (identity, error) {
	var id identity
	if err := getres(syscall.SYS_GETRESUID, &id.uid); err != nil {
		return id, err
	}
	if err := getres(syscall.SYS_GETRESGID, &id.gid); err != nil {
		return id, err
	}
	var err error
	id.groups, err = syscall.Getgroups()
	return id, err
}

// getres is getresuid(2) and getresgid(2), which package syscall lacks. The saved id is the one that could be taken back.
func getres(call uintptr, id *[3]uint32) error {
	_, _, errno := syscall.RawSyscall(call, uintptr(unsafe.Pointer(&id[0])), uintptr(unsafe.Pointer(&id[1])), uintptr(unsafe.Pointer(&id[2])))
	if errno != 0 {
		return errno
	}
	return nil
}

// check denies root and anything half-way between two users.
func (id identity) check() error {
	const hint = "; sshd_config needs: AuthorizedKeysCommandUser dpki-authkeys, a user in no other group"
	for _, u := range id.uid {
		if u == 0 || u != id.uid[0] {
			return errors.New("must run as one user and not as root" + hint)
		}
	}
	for _, g := range id.gid {
		if g == 0 || g != id.gid[0] {
			return errors.New("must run in one group and not in root's" + hint)
		}
	}
	for _, g := range id.groups {
		if uint32(g) != id.gid[0] {
			return errors.New("must run without supplementary groups" + hint)
		}
	}
	return nil
}
