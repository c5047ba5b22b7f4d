package authkeys

import (
	"encoding/base64"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

// flagOptions are the options that undo a part of restrict, with the certificate extension of the same meaning. sshd allows what line
// and certificate both allow.
var flagOptions = []struct {
	flag              state.GrantFlags
	option, extension string
}{
	{state.GrantPTY, "pty", "permit-pty"},
	{state.GrantPortForwarding, "port-forwarding", "permit-port-forwarding"},
	{state.GrantAgentForwarding, "agent-forwarding", "permit-agent-forwarding"},
	{state.GrantX11, "X11-forwarding", "permit-X11-forwarding"},
}

func extensionFlags(extensions map[string]string) (flags state.GrantFlags) {
	for _, f := range flagOptions {
		if _, ok := extensions[f.extension]; ok {
			flags |= f.flag
		}
	}
	return flags
}

// line is what sshd reads: one line of its AUTHORIZED_KEYS FILE FORMAT.
//
//	[cert-authority,principals="P",]restrict[,pty][,port-forwarding][,agent-forwarding][,X11-forwarding]
//	[,from="..."][,command="..."][,expiry-time="YYYYMMDDHHMMSSZ"] TYPE BASE64
func (q *question) line(v permit) (string, Reason) {
	var b strings.Builder
	key := q.key.Public
	if q.key.Cert != nil {
		key = q.key.Cert.SignatureKey
		b.WriteString("cert-authority,principals=" + quote(v.principal) + ",")
	}
	b.WriteString("restrict")
	for _, f := range flagOptions {
		if v.flags&f.flag != 0 {
			b.WriteString("," + f.option)
		}
	}
	if v.grant != nil {
		if v.grant.Grant.From != "" {
			b.WriteString(",from=" + quote(v.grant.Grant.From))
		}
		if v.grant.Command != "" {
			b.WriteString(",command=" + quote(v.grant.Command))
		}
	}
	if q.req.ExpiryTime {
		b.WriteString(",expiry-time=" + quote(expiryTime(min(v.until, q.now.Time+maxEnd))))
	}
	writeKey(&b, key)
	line := b.String()
	if len(line) > MaxLine || !printable(line) {
		return "", LineTooLong
	}
	return line, Accepted
}

func writeKey(b *strings.Builder, key ssh.PublicKey) {
	b.WriteString(" " + key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal()))
}

// quote is sshd's opt_dequote (misc.c) backwards: a quote is escaped, and nothing else, since a backslash before any other
// character stands for itself. A value must not end in a backslash; state.ValidCommand sees to it.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }

// expiryTime writes an end that is not part of the window. sshd refuses only what is later than expiry-time (auth.c,
// auth_authorise_keyopts), so the last second of the window is named. The Z needs OpenSSH 9.1; local time shifts with summer.
func expiryTime(until uint64) string {
	return time.Unix(int64(until)-1, 0).UTC().Format("20060102150405") + "Z"
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
