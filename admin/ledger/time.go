package ledger

import (
	"time"

	"dpki/state"
)

// Time is Unix seconds. In JSON it is RFC 3339 in UTC, "never" for state.Never.
type Time uint64

// String is the JSON form without quotes.
func (t Time) String() string {
	if uint64(t) >= state.Never {
		return "never"
	}
	return time.Unix(int64(t), 0).UTC().Format(time.RFC3339)
}

// MarshalText is String.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
