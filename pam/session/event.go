package session

// What an Event is about.
type What string

const (
	Opened  What = "session opened"
	Resumed What = "session resumed" // after a restart of the daemon
	Warned  What = "session warned"
	Ending  What = "session ending" // Reason says why
	Ended   What = "session ended"  // nothing of it runs any more
	Stuck   What = "session not ended"
)

// Event is one line of the audit.
type Event struct {
	What    What
	Session Session
	Reason  string // of Ending, Ended and Stuck
	Seconds uint64 // how long the session has lasted
}

// Reasons beside those of the decision (authkeys.Reason).
const (
	Logout      = "the connection was closed"
	MonitorGone = "sshd's process ended without closing the session"
	Unrecorded  = "processes of a session that no record explains"
	Lost        = "the register of sessions could not be read"
	NotRecorded = "the session could not be recorded"
)
