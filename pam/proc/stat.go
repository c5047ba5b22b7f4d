package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Stat is what /proc/PID/stat says, as far as it is needed here.
type Stat struct {
	State    byte // R, S, D, Z, ...
	Parent   int32
	Session  int32  // id of the session leader, setsid(2)
	Terminal uint64 // device number of the controlling terminal; 0: none
	Start    uint64 // clock ticks since boot
}

// ErrStat says that the kernel's line was not understood.
var ErrStat = errors.New("proc: malformed stat")

// ReadStat reads /proc/PID/stat.
func ReadStat(pid int32) (Stat, error) {
	if pid <= 0 {
		return Stat{}, ErrGone
	}
	b, err := read(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Stat{}, err
	}
	return ParseStat(b)
}

// ParseStat reads the line. The second field is the command in parentheses, which the process chooses and which may itself
// hold spaces and parentheses, so that the numbers begin after the last one.
func ParseStat(b []byte) (Stat, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return Stat{}, ErrStat
	}
	f := bytes.Fields(b[end+1:])
	// state(3) ppid(4) pgrp(5) session(6) tty_nr(7) ... starttime(22)
	if len(f) < 20 || len(f[0]) != 1 {
		return Stat{}, ErrStat
	}
	parent, err1 := strconv.ParseInt(string(f[1]), 10, 32)
	session, err2 := strconv.ParseInt(string(f[3]), 10, 32)
	terminal, err3 := strconv.ParseInt(string(f[4]), 10, 32)
	start, err4 := strconv.ParseUint(string(f[19]), 10, 64)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return Stat{}, fmt.Errorf("%w: %w", ErrStat, err)
	}
	return Stat{State: f[0][0], Parent: int32(parent), Session: int32(session), Terminal: uint64(uint32(terminal)), Start: start}, nil
}

// PIDs lists the processes that there are now.
func PIDs() ([]int32, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int32
	for _, name := range names {
		if pid, err := strconv.ParseInt(name, 10, 32); err == nil {
			pids = append(pids, int32(pid))
		}
	}
	return pids, nil
}
