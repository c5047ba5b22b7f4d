package main

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"dpki/authkeys/breakglass"
	"dpki/internal/socket"
)

// helper is what the decision needs from outside.
type helper struct {
	socket     string // the daemon's
	daemon     uint32 // uid that must answer there
	log        syslog
	breakGlass breakglass.Store
	timeout    time.Duration // for the daemon's answer
	now        func() time.Time
	identity   func() (identity, error)
	stdout     io.Writer
	person     io.Writer      // who runs this by hand; nil = nobody
	exit       func(code int) // ends the process when even the deadline has not
}

// verdict is what comes out. The zero value prints nothing.
type verdict struct {
	line     string // for sshd; "" denies
	message  string // for syslog
	severity severity
	failed   bool
}

const (
	maxAccount = 256      // bytes; the daemon has the narrower rule
	maxKeyType = 128      // bytes
	maxKey     = 32 << 10 // bytes
)

func (h helper) decide(args []string) verdict {
	if id, err := h.identity(); err != nil {
		return refused("cannot tell who runs this: " + err.Error())
	} else if err := id.check(); err != nil {
		return refused(err.Error())
	}
	if len(args) != 3 || !fits(args[0], maxAccount) || !fits(args[1], maxKeyType) || !fits(args[2], maxKey) {
		return refused("arguments must be account, key type and key; sshd_config needs: AuthorizedKeysCommand PATH %u %t %k")
	}
	account, keyType, key := args[0], args[1], args[2]
	// The blob itself never reaches the log.
	who := quote(account) + " with " + quote(keyType)

	answer, err := h.ask(account, keyType, key)
	switch {
	case err == syscall.ENOENT || err == syscall.ECONNREFUSED:
		return h.withoutDaemon(who, breakglass.Query{Account: account, KeyType: keyType, Key: key, Now: h.now()})
	case err != nil:
		return refused("denied " + who + ": no answer from dpkid: " + err.Error() + "; see `dpkid status`")
	case answer.Code == socket.Deny:
		return verdict{message: "denied " + who + ": " + clean(answer.Text), severity: notice}
	case answer.Code != socket.Allow:
		return refused("denied " + who + ": dpkid failed: " + clean(answer.Text) + "; see `dpkid status`")
	}
	if err := checkLine(answer.Text); err != nil {
		return refused("denied " + who + ": dpkid's answer is not a line for sshd: " + err.Error() + "; this is a fault of dpkid: report it")
	}
	return verdict{line: answer.Text, message: "would accept " + who + by(answer.Text), severity: info}
}

func refused(message string) verdict {
	return verdict{message: message, severity: warning, failed: true}
}

func (h helper) ask(account, keyType, key string) (socket.Answer, error) {
	request, err := socket.NewRequest(socket.Authkeys, account, keyType, key).Marshal()
	if err != nil {
		return socket.Answer{}, err
	}
	return exchange(h.socket, h.daemon, time.Now().Add(h.timeout), request)
}

// withoutDaemon asks the break-glass folder. It is logged loudly: the daemon should not be absent, and nobody else sees it.
func (h helper) withoutDaemon(who string, q breakglass.Query) verdict {
	const absent = "dpkid does not run; start it: "
	m, err := h.breakGlass.Lookup(q)
	if err == nil {
		err = checkLine(m.Line)
	}
	if err != nil {
		return verdict{message: absent + "denied " + who + ": " + clean(err.Error()), severity: alert, failed: !errors.Is(err, breakglass.ErrNoKey)}
	}
	return verdict{line: m.Line, message: absent + "BREAK-GLASS would accept " + who + " by " + quote(m.File), severity: alert}
}

// print writes the line in one piece. sshd accepts a line whatever follows it, so there is never a second.
func (h helper) print(line string) error {
	if line == "" {
		return nil
	}
	_, err := io.WriteString(h.stdout, line+"\n")
	return err
}

// checkLine is the last look at what sshd will obey: one line, printable, and where it names an authority, exactly one principal
// (without principals= OpenSSH 9.2 lets a certificate without principals in as anybody).
func checkLine(line string) error {
	switch {
	case line == "":
		return errors.New("it is empty")
	case len(line) > socket.MaxText:
		return errors.New("it is too long")
	case !printable(line):
		return errors.New("it is not one line of printable ASCII")
	}
	rest, ok := strings.CutPrefix(line, "cert-authority,")
	if !ok {
		if outside, ok := unquoted(line); !ok || strings.Contains(outside, "cert-authority") {
			return errors.New("a quote does not end, or cert-authority is not its first option")
		}
		return nil
	}
	principal, _, ok := strings.Cut(strings.TrimPrefix(rest, `principals="`), `",restrict`)
	if !ok || !strings.HasPrefix(rest, `principals="`) || principal == "" || strings.ContainsAny(principal, `,"\ *?`) {
		return errors.New("it has not exactly one principal")
	}
	return nil
}

// unquoted leaves out the values of options: a command may say what it likes. ok is false where the last one does not end.
func unquoted(line string) (outside string, ok bool) {
	var b strings.Builder
	inside := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case line[i] == '"':
			inside = !inside
		case !inside:
			b.WriteByte(line[i])
		}
	}
	return b.String(), !inside
}

// by names the grant of a line, for the log.
func by(line string) string {
	_, rest, ok := strings.Cut(line, `principals="`)
	if !ok {
		return ""
	}
	principal, _, _ := strings.Cut(rest, `"`)
	const enough = len("g-") + 16
	if len(principal) > enough {
		principal = principal[:enough]
	}
	return " by " + principal
}
