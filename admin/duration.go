package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads how long something shall last: numbers with units, the
// units of time.ParseDuration from seconds up, and d and w: 5m, 1h30m, 7d, 2w.
// It is a whole number of seconds, at least one.
func ParseDuration(s string) (time.Duration, error) {
	rest, total := s, time.Duration(0)
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	last := time.Duration(1<<63 - 1)
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n <= 0 || n > 9 {
			return 0, badDuration(s)
		}
		u, ok := unit[rest[n]]
		if !ok || u >= last {
			return 0, badDuration(s)
		}
		v, err := strconv.ParseInt(rest[:n], 10, 64)
		if err != nil || time.Duration(v) > (1<<62-total)/u {
			return 0, badDuration(s)
		}
		total += time.Duration(v) * u
		rest, last = rest[n+1:], u
	}
	if total <= 0 {
		return 0, badDuration(s)
	}
	return total, nil
}

func badDuration(s string) error {
	return &Problem{Class: Usage, Text: fmt.Sprintf("%.40q is not a duration", s), Hint: "write 5m, 1h30m, 7d or 2w"}
}

// Length writes a duration the way ParseDuration reads it: 1d, 8h, 1m30s.
func Length(d time.Duration) string {
	var b strings.Builder
	for _, u := range []struct {
		of   time.Duration
		name byte
	}{{24 * time.Hour, 'd'}, {time.Hour, 'h'}, {time.Minute, 'm'}, {time.Second, 's'}} {
		if n := d / u.of; n > 0 {
			fmt.Fprintf(&b, "%d%c", n, u.name)
			d -= n * u.of
		}
	}
	if b.Len() == 0 {
		return "0s"
	}
	return b.String()
}
