package proc

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Identity is whose a process is: its real ids and its groups.
type Identity struct {
	UID, GID uint32
	Groups   []uint32
}

// ErrStatus says that the kernel's file was not understood.
var ErrStatus = errors.New("proc: malformed status")

// Identity reads /proc/PID/status. The owner of the folder would not do: it is root for a process that changed its uid.
func (p Process) Identity() (Identity, error) {
	b, err := read(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		return Identity{}, err
	}
	if !p.Alive() {
		return Identity{}, ErrGone
	}
	return ParseStatus(b)
}

// ParseStatus reads the lines Uid and Gid, whose first number is the real id, and Groups.
func ParseStatus(b []byte) (Identity, error) {
	var id Identity
	seen := 0
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(line, ":")
		if name != "Uid" && name != "Gid" && name != "Groups" {
			continue
		}
		seen++
		var numbers []uint32
		for _, f := range strings.Fields(rest) {
			n, err := strconv.ParseUint(f, 10, 32)
			if err != nil {
				return Identity{}, fmt.Errorf("%w: %w", ErrStatus, err)
			}
			numbers = append(numbers, uint32(n))
		}
		switch {
		case name == "Groups":
			id.Groups = numbers
		case len(numbers) != 4:
			return Identity{}, ErrStatus
		case name == "Uid":
			id.UID = numbers[0]
		default:
			id.GID = numbers[0]
		}
	}
	if seen != 3 {
		return Identity{}, ErrStatus
	}
	return id, nil
}
