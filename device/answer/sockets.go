package answer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/pam"
	"dpki/pam/proc"
)

// Sockets serves the local sockets of docs/formats.md section 11.
type Sockets struct {
	Door   *Door
	Logins *Logins // PAM's side; nil: pam.sock is not served
	Audit  *Audit
	Log    *slog.Logger
	// Helper is the only user that may ask for lines.
	Helper uint32
	// Root is the only user that may use the control socket; 0 but in tests.
	Root uint32
	// ExpiryTime says that this machine's sshd is 9.1 or newer.
	ExpiryTime bool
	Version    string // of the program, for status
}

// Listeners are the sockets, already bound. Serve closes them.
type Listeners struct {
	Authkeys, Control *net.UnixListener
	PAM               *net.UnixListener // where Sockets has Logins
}

// Serve serves until ctx ends or a socket fails.
func (s *Sockets) Serve(ctx context.Context, l Listeners) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	logf := func(format string, args ...any) { s.Log.Warn("socket", "event", fmt.Sprintf(format, args...)) }
	helper := &serve.Server{
		Handler: s.authkeys, Types: []socket.Type{socket.Authkeys}, Logf: logf,
		Allow: func(p serve.Peer) bool { return p.UID == s.Helper },
	}
	control := &serve.Server{
		Handler: s.control, Types: []socket.Type{socket.Status, socket.Explain, socket.ResetTrust, socket.Sessions}, Logf: logf,
		Allow: func(p serve.Peer) bool { return p.UID == s.Root }, Timeout: 10 * time.Second,
	}
	var ended []chan error
	start := func(server *serve.Server, l *net.UnixListener) {
		done := make(chan error, 1)
		ended = append(ended, done)
		go func() {
			done <- server.Serve(ctx, l)
			cancel() // a daemon without one of its sockets is to be started again
		}()
	}
	start(helper, l.Authkeys)
	start(control, l.Control)
	if s.Logins != nil {
		start(&serve.Server{Handler: s.Logins.Handle, Types: pam.Types, Allow: pam.AllowPeer, Timeout: pam.Timeout, Logf: logf}, l.PAM)
	}
	var err error
	for _, done := range ended {
		err = errors.Join(err, <-done)
	}
	return err
}

// authkeys answers sshd's helper: account, key type, key.
func (s *Sockets) authkeys(ctx context.Context, peer serve.Peer, req socket.Request) socket.Answer {
	question, ok := s.question(req)
	if !ok {
		return socket.Answer{Code: socket.Deny, Text: authkeys.BadRequest.String()}
	}
	monitor, known := monitorOf(peer.PID)
	question.Monitor = authkeys.Monitor{PID: monitor.PID, Start: monitor.Start}
	v := s.Door.Decide(ctx, question)
	if known && s.Logins != nil {
		s.Logins.offered(monitor, question, v.Allow)
	}
	s.audit(recordOf(question, v, monitor, s.Door.Engine.Clock().Wall()))
	if v.Allow {
		return socket.Answer{Code: socket.Allow, Text: v.Line}
	}
	return socket.Answer{Code: socket.Deny, Text: v.Text()}
}

func (s *Sockets) question(req socket.Request) (authkeys.Request, bool) {
	if len(req.Fields) != 3 {
		return authkeys.Request{}, false
	}
	account := string(req.Fields[0])
	return authkeys.Request{
		Stage: authkeys.StageOffer, Account: account, KeyType: string(req.Fields[1]), Key: string(req.Fields[2]),
		Superuser: superuser(account), ExpiryTime: s.ExpiryTime,
	}, true
}

func (s *Sockets) audit(r line) {
	if err := s.Audit.Write(r); err != nil {
		s.Log.Error("the audit line could not be written", "error", err, "line", r.String())
	}
}

// control answers local root.
func (s *Sockets) control(ctx context.Context, _ serve.Peer, req socket.Request) socket.Answer {
	switch req.Type {
	case socket.Status:
		return text(statusText(s.Door.Engine.Status(s.Version)))
	case socket.Explain:
		question, ok := s.question(req)
		if !ok {
			return socket.Answer{Code: socket.Error, Text: "want account, key type, key"}
		}
		v := s.Door.Decide(ctx, question)
		r := recordOf(question, v, proc.Process{}, s.Door.Engine.Clock().Wall())
		r.Event = "explain"
		return text(json.Marshal(r))
	case socket.Sessions:
		return sessionsFrom(s.Logins.List(), req.Fields)
	case socket.ResetTrust:
		if err := s.Door.Engine.ResetTrust(ctx); err != nil {
			return socket.Answer{Code: socket.Error, Text: err.Error()}
		}
		s.Log.Warn("trust was reset by local root")
		return socket.Answer{Code: socket.Allow, Text: "{}"}
	}
	return socket.Answer{}
}

// statusText is a Status that fits an answer. What others can make long is cut: an operator must not be left without any, because endpoints are
// wordy or a mailbox is full. Of deliveries those go first that others have replaced, then the oldest.
func statusText(st device.Status) ([]byte, error) {
	const longest = 512
	st.Problem = cut(st.Problem, 4*longest)
	st.Unapplied = cut(st.Unapplied, longest)
	if st.Successor != nil { // others read the same one
		next := *st.Successor
		next.Problem, st.Successor = cut(next.Problem, longest), &next
	}
	for i := range st.Health {
		st.Health[i].Problem = cut(st.Health[i].Problem, longest/4)
	}
	for replaced := true; ; replaced = false {
		b, err := json.Marshal(st)
		switch {
		case err != nil || len(b) <= socket.MaxText || len(st.Delivered) == 0:
			return b, err
		case replaced:
			st.Delivered = slices.DeleteFunc(slices.Clone(st.Delivered), func(d device.Delivered) bool { return d.Result == device.Superseded })
		default:
			st.Delivered = st.Delivered[(len(st.Delivered)+1)/2:]
		}
	}
}

func cut(s string, longest int) string {
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + "..."
}

// sessionsFrom is the sessions whose monitor's process id is above the one that is named, by that id, as many as fit: a user who opens a
// hundred hides none. An empty list ends them.
func sessionsFrom(all []SessionRecord, fields [][]byte) socket.Answer {
	after := int64(0)
	if len(fields) == 1 {
		var err error
		if after, err = strconv.ParseInt(string(fields[0]), 10, 32); err != nil {
			return socket.Answer{Code: socket.Error, Text: "want a process id"}
		}
	}
	slices.SortFunc(all, func(a, b SessionRecord) int { return int(a.Monitor) - int(b.Monitor) })
	page := []byte("[")
	for _, r := range all {
		if int64(r.Monitor) <= after {
			continue
		}
		b, err := json.Marshal(r)
		if err != nil {
			return text(nil, err)
		}
		if len(page)+len(b)+len(",]") > socket.MaxText {
			break
		}
		if len(page) > 1 {
			page = append(page, ',')
		}
		page = append(page, b...)
	}
	return text(append(page, ']'), nil)
}

func text(b []byte, err error) socket.Answer {
	if err != nil {
		return socket.Answer{Code: socket.Error, Text: err.Error()}
	}
	return socket.Answer{Code: socket.Allow, Text: string(b)}
}
