package clock

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// WallTolerance is how far the wall clock may be from verified time and still
// count, in either direction.
const WallTolerance = 5 * time.Minute

// Clock is what a machine can tell. Tests replace its parts.
type Clock struct {
	Wall   func() time.Time     // CLOCK_REALTIME
	Boot   func() time.Duration // CLOCK_BOOTTIME
	BootID string               // changes with each boot; readings of Boot compare within one only
}

// Reading is one look at both clocks.
type Reading struct {
	Wall uint64 // Unix seconds
	Boot time.Duration
}

// Read looks at both clocks.
func (c Clock) Read() Reading {
	r := Reading{Boot: c.Boot()}
	if s := c.Wall().Unix(); s > 0 {
		r.Wall = uint64(s)
	}
	return r
}

// System is this machine's clock.
func System() (Clock, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Clock{}, fmt.Errorf("clock: %w", err)
	}
	if _, err := boottime(); err != nil {
		return Clock{}, fmt.Errorf("clock: %w", err)
	}
	return Clock{Wall: time.Now, Boot: func() time.Duration { d, _ := boottime(); return d }, BootID: strings.TrimSpace(string(id))}, nil
}

func boottime() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0, err
	}
	return time.Duration(ts.Nano()), nil
}
