package pam

import (
	"errors"
	"strings"
	"time"

	"dpki/internal/socket"
	"dpki/internal/socket/serve"
)

// Types are what pam.sock serves.
var Types = []socket.Type{socket.Account, socket.OpenSession, socket.CloseSession, socket.Sudo}

// Timeout is how long one exchange may take. The module itself waits 2 s, and 15 s for sudo, where somebody may have to touch a
// key; the daemon has the last word just before that.
const Timeout = 14500 * time.Millisecond

// loginTimeout is Timeout for all but sudo.
const loginTimeout = 1900 * time.Millisecond

// AllowPeer admits root alone: PAM modules run in sshd and sudo, as root.
func AllowPeer(p serve.Peer) bool { return p.UID == 0 }

const (
	maxItem = 256  // bytes of service, user, remote host and terminal
	maxText = 1024 // bytes of an answer's text, printable ASCII: what the module shows
)

var errRequest = errors.New("pam: malformed request")

// question is a parsed request.
type question struct {
	service, user, remote, terminal string
	authInfo                        string // open session only: SSH_AUTH_INFO_0
}

// parseQuestion reads the fields: service | user | remote host | terminal [| SSH_AUTH_INFO_0].
func parseQuestion(req socket.Request) (question, error) {
	want := 4
	if req.Type == socket.OpenSession {
		want = 5
	}
	if len(req.Fields) != want {
		return question{}, errRequest
	}
	for _, f := range req.Fields[:4] {
		if len(f) > maxItem || !printable(string(f)) {
			return question{}, errRequest
		}
	}
	q := question{
		service: string(req.Fields[0]), user: string(req.Fields[1]),
		remote: string(req.Fields[2]), terminal: string(req.Fields[3]),
	}
	if want == 5 {
		q.authInfo = string(req.Fields[4])
	}
	if q.service == "" || q.user == "" || len(q.authInfo) > maxAuthInfo || strings.ContainsRune(q.authInfo, 0) {
		return question{}, errRequest
	}
	return q, nil
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// text makes an answer's text fit what the module takes.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxText)]
}
