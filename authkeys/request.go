package authkeys

import "time"

// Stage says at what point of a login the question is asked. The zero value denies.
type Stage uint8

const (
	StageOffer   Stage = 1 // sshd's AuthorizedKeysCommand: a key is offered, or signs; sshd does not say which
	StageAccount Stage = 2 // PAM account
	StageSession Stage = 3 // PAM open_session
	StageSudo    Stage = 4 // sudo within a session: needs the grant's sudo flag and a GRANT_PRIV
)

// Monitor names the sshd process that serves the connection, as the daemon found it in /proc. Decide does not look at it.
type Monitor struct {
	PID   int32
	Start uint64 // start time, clock ticks since boot
}

// Request is one question. All of it is foreign.
type Request struct {
	Stage   Stage
	Account string // the account to log in as
	KeyType string // sshd's %t
	Key     string // sshd's %k: the key or certificate in base64
	Monitor Monitor

	// Superuser says that the account's uid is 0 on this device, whatever it is
	// called: it is as privileged as root.
	Superuser bool
	// ExpiryTime says that this sshd is 9.1 or newer, which understands expiry-time="...Z". Older ones refuse the whole line.
	ExpiryTime bool
}

// Now is the verified time. The zero value is unknown, and denies.
type Now struct {
	Time uint64        // Unix seconds
	Age  time.Duration // since the verified block time last rose
}

// Freshness says how old the verified State is, by the durations of the policy. The zero value is the worst.
type Freshness uint8

const (
	Offline Freshness = 0 // older than the offline period: nobody logs in
	Stale   Freshness = 1 // unprivileged logins only
	Fresh   Freshness = 2
)

func (f Freshness) String() string {
	switch f {
	case Stale:
		return "stale"
	case Fresh:
		return "fresh"
	}
	return "offline"
}

const (
	// StartTolerance is how early a window may be used, in seconds.
	StartTolerance = 30
	// MaxLine is the longest line for sshd, in bytes.
	MaxLine = 16 << 10

	// maxEnd bounds a decision's end, in seconds from now: the contract allows grants 400 days.
	maxEnd = 400 * 24 * 3600
)
