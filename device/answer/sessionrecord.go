package answer

import (
	"fmt"
	"time"

	"dpki/authkeys"
	"dpki/pam"
	"dpki/pam/session"
)

// SessionRecord is one audit line about a session, and one of `dpkid sessions`.
type SessionRecord struct {
	Time        time.Time `json:"time"`
	Event       string    `json:"event"`
	Device      string    `json:"device,omitempty"`
	Account     string    `json:"account"`
	Fingerprint string    `json:"fingerprint"`
	Grant       string    `json:"grant,omitempty"`
	BreakGlass  bool      `json:"break_glass,omitempty"`
	Service     string    `json:"service"`
	Remote      string    `json:"remote,omitempty"`
	Monitor     int32     `json:"monitor"`
	Opened      uint64    `json:"opened"` // Unix seconds
	Until       uint64    `json:"until"`  // Unix seconds
	Seconds     uint64    `json:"seconds"`
	Form        string    `json:"form"` // scope, group or monitor: what holds its processes together
	Reason      string    `json:"reason,omitempty"`
}

func sessionRecordOf(e session.Event, device string, at time.Time) SessionRecord {
	s := e.Session
	r := SessionRecord{
		Time: at.UTC(), Event: string(e.What), Device: device, Account: s.Account, Fingerprint: s.Fingerprint(), BreakGlass: s.Mode == 0,
		Service: s.Service, Remote: s.Remote, Monitor: s.Monitor.PID, Opened: s.Opened, Until: s.Until, Seconds: e.Seconds, Form: s.Form(), Reason: e.Reason,
	}
	if !s.Grant.IsZero() {
		r.Grant = s.Grant.String()
	}
	return r
}

// String is the line for syslog. Foreign text is quoted.
func (r SessionRecord) String() string {
	s := fmt.Sprintf("%s: device=%s account=%q fingerprint=%s remote=%q service=%q monitor=%d seconds=%d until=%d form=%s",
		r.Event, r.Device, r.Account, r.Fingerprint, r.Remote, r.Service, r.Monitor, r.Seconds, r.Until, r.Form)
	if r.Grant != "" {
		s += " grant=" + r.Grant
	}
	if r.BreakGlass {
		s = "BREAK-GLASS " + s
	}
	if r.Reason != "" {
		s += fmt.Sprintf(" reason=%q", r.Reason)
	}
	return s
}

func (r SessionRecord) alarm() bool {
	return r.BreakGlass || r.Event == string(session.Stuck)
}

// RefusalRecord is one audit line about what PAM was refused.
type RefusalRecord struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"` // "pam"
	Stage   string    `json:"stage"`
	Account string    `json:"account"`
	Service string    `json:"service"`
	Remote  string    `json:"remote,omitempty"`
	Monitor int32     `json:"monitor"`
	Reason  string    `json:"reason"`
}

func refusalRecordOf(r pam.Refusal, at time.Time) RefusalRecord {
	stages := map[authkeys.Stage]string{authkeys.StageAccount: "account", authkeys.StageSession: "session", authkeys.StageSudo: "sudo"}
	return RefusalRecord{
		Time: at.UTC(), Event: "pam", Stage: stages[r.Stage], Account: r.Account, Service: r.Service, Remote: r.Remote, Monitor: r.Monitor.PID, Reason: r.Reason,
	}
}

// String is the line for syslog. Foreign text is quoted.
func (r RefusalRecord) String() string {
	return fmt.Sprintf("denied by PAM: stage=%s account=%q reason=%q remote=%q service=%q monitor=%d", r.Stage, r.Account, r.Reason, r.Remote, r.Service, r.Monitor)
}

func (r RefusalRecord) alarm() bool { return false }
