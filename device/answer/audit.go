package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dpki/authkeys"
	"dpki/pam/proc"
)

// Record is one audit line. It holds no key and no certificate, only their
// fingerprints.
type Record struct {
	Time           time.Time `json:"time"`
	Event          string    `json:"event"` // "authkeys": sshd was answered; whether anybody logged in is not known here
	Allow          bool      `json:"allow"`
	Account        string    `json:"account"`
	Reason         string    `json:"reason"`
	Next           string    `json:"next,omitempty"` // what an administrator does next
	Fingerprint    string    `json:"fingerprint,omitempty"`
	CA             string    `json:"ca,omitempty"`
	Serial         uint64    `json:"serial,omitempty"`
	Grant          string    `json:"grant,omitempty"`
	Until          uint64    `json:"until,omitempty"` // Unix seconds
	BreakGlass     bool      `json:"break_glass,omitempty"`
	BreakGlassFile string    `json:"break_glass_file,omitempty"` // that the break-glass key stands in
	Freshness      string    `json:"freshness"`
	Age            int64     `json:"age"` // seconds
	Block          uint64    `json:"block"`
	Refreshed      bool      `json:"refreshed"`
	Monitor        int32     `json:"monitor,omitempty"` // pid of the sshd that asked
}

func recordOf(req authkeys.Request, v Verdict, monitor proc.Process, at time.Time) Record {
	r := Record{
		Time: at.UTC(), Event: "authkeys", Allow: v.Allow, Account: req.Account, Reason: v.Reason.String(), Next: v.Reason.Hint(),
		Fingerprint: v.Fingerprint(), CA: v.CAFingerprint(), Serial: v.Serial, Until: v.Until, BreakGlass: v.BreakGlass != "", BreakGlassFile: v.BreakGlass,
		Freshness: v.Freshness.String(), Age: int64(v.Now.Age / time.Second), Refreshed: v.Refreshed, Monitor: monitor.PID,
	}
	if v.View.State != nil {
		r.Block = v.View.State.Head.Number
	}
	if !v.Grant.IsZero() {
		r.Grant = v.Grant.String()
	}
	return r
}

// String is the line for syslog. Foreign text is quoted.
func (r Record) String() string {
	verdict := "denied"
	if r.Allow {
		verdict = "would accept"
	}
	s := fmt.Sprintf("%s: account=%q reason=%q fingerprint=%s freshness=%s age=%d block=%d monitor=%d",
		verdict, r.Account, r.Reason, r.Fingerprint, r.Freshness, r.Age, r.Block, r.Monitor)
	if r.Grant != "" {
		s += fmt.Sprintf(" grant=%s until=%d", r.Grant, r.Until)
	}
	if r.CA != "" {
		s += fmt.Sprintf(" ca=%s serial=%d", r.CA, r.Serial)
	}
	if r.BreakGlass {
		s = fmt.Sprintf("BREAK-GLASS %s file=%q", s, r.BreakGlassFile)
	}
	if r.Next != "" {
		s += fmt.Sprintf(" next=%q", r.Next)
	}
	return s
}

// line is one line of the audit.
type line interface {
	String() string // for syslog
	alarm() bool    // whether somebody is to be woken up
}

func (r Record) alarm() bool { return r.BreakGlass }

// Audit writes one line a decision, and one for each thing that happens to a
// session. The zero value writes nothing.
type Audit struct {
	JSON   io.Writer                           // one object a line; nil = none
	Syslog func(line string, alarm bool) error // nil = none
	// Journal takes a line with the fields of its JSON form, as strings. Where it
	// fails, as where there is no journal, Syslog has the line; nil = none.
	Journal func(line string, fields map[string]string, alarm bool) error

	mu sync.Mutex
}

// Write writes a record. A decision does not depend on whether it could be
// written; the error is for the daemon's log.
func (a *Audit) Write(l line) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	b, err := json.Marshal(l)
	if err == nil && a.JSON != nil {
		_, err = a.JSON.Write(append(b, '\n'))
	}
	if a.Journal != nil && a.Journal(l.String(), fieldsOf(b), l.alarm()) == nil {
		return err
	}
	if a.Syslog != nil {
		err = errors.Join(err, a.Syslog(l.String(), l.alarm()))
	}
	return err
}

// fieldsOf takes a record apart again: its JSON form says how its fields are called.
func fieldsOf(object []byte) map[string]string {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber() // no number of ours is to become 1e+06
	var values map[string]any
	if d.Decode(&values) != nil {
		return nil
	}
	fields := make(map[string]string, len(values))
	for name, v := range values {
		fields[name] = fmt.Sprint(v)
	}
	return fields
}
