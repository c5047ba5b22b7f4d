package admin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

// Pull is a device's own new host key on its way to a certificate. The device makes
// the key, and its enrolment identity signs it; only the certificate travels back.
type Pull struct {
	Host *Host
	// Script is for a shell as root on the device. It prints a request and takes an
	// answer: what Exchange reads and writes.
	Script string

	desk   *Desk
	member bundle.RosterMember
	make   DeliverHostCertificate
}

// Answers and marks of the script.
const (
	pullEnd = "END"
	pullGo  = "go"
)

// PullHostKey prepares to have a device make a new host key. file is where the
// device keeps the present one; empty is sshd's own place for its type.
func (d *Desk) PullHostKey(ctx context.Context, device, file string, windows int, each time.Duration) (*Pull, error) {
	if err := checkWindows(windows, each); err != nil {
		return nil, err
	}
	h, err := d.Host(ctx, device, "")
	if err != nil {
		return nil, err
	}
	m, err := d.findDevice(device)
	if err != nil {
		return nil, err
	}
	if _, err := d.signing(m.Zone, state.KindCAHost); err != nil { // before a key is made
		return nil, err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey))
	if err != nil {
		return nil, because(err, Failed, "enrol the device again", "the host key of %s cannot be read", m.Name)
	}
	kind, ok := map[string]string{
		ssh.KeyAlgoED25519: "ed25519", ssh.KeyAlgoRSA: "rsa", ssh.KeyAlgoECDSA256: "ecdsa", ssh.KeyAlgoECDSA384: "ecdsa", ssh.KeyAlgoECDSA521: "ecdsa",
	}[key.Type()]
	if !ok {
		return nil, problem(Failed, "deliver one: dpki deliver host-cert --new-key", "a device cannot make a host key of type %s by itself", key.Type())
	}
	if file == "" {
		file = "/etc/ssh/ssh_host_" + kind + "_key"
	}
	if !path.IsAbs(file) || strings.ContainsAny(file, "'\n\\\" \t$") {
		return nil, problem(Usage, "name an absolute path without quotes or spaces", "%.200q cannot be a host key's file", file)
	}
	return &Pull{
		Host: h, desk: d, member: m, Script: fmt.Sprintf(pullScript, file, profile.Line(key), kind, d.Anchor, m.Name, pullEnd, pullGo),
		make: DeliverHostCertificate{Delivering: Delivering{To: []string{h.Name}}, Windows: windows, Each: each},
	}, nil
}

// pullScript leaves the host key alone until its successor is certified and
// announced; whatever ends before leaves nothing.
const pullScript = `set -eu
umask 077
f='%[1]s'
if [ "$(cut -d' ' -f1,2 "$f.pub")" != '%[2]s' ]; then echo "$f is not the host key that is known" >&2; exit 3; fi
trap 'rm -f "$f.next" "$f.next.pub"' EXIT
rm -f "$f.next" "$f.next.pub"
ssh-keygen -q -t %[3]s -N '' -C '' -f "$f.next"
dpkid enroll %[4]s --name %[5]s --host-key "$f.next.pub" --out -
echo %[6]s
read -r answer
if [ "$answer" != %[7]s ]; then exit 4; fi
chmod 644 "$f.next.pub"
mv -f "$f.next" "$f"
mv -f "$f.next.pub" "$f.pub"
`

// Exchange reads what the script prints, certifies the key, announces certificate
// and key, and has the device use it. The session is of a host that is known, and
// the request is signed by the identity that enrolled; both must hold.
func (p *Pull) Exchange(ctx context.Context, from io.Reader, to io.Writer) (*Deliveries, error) {
	r, err := readPulled(from)
	if err != nil {
		return nil, because(err, Failed, "does dpkid run there, with its network file in place? dpkid status", "%s has sent no request", p.Host.Name)
	}
	m := p.member
	switch {
	case r.Anchor != p.desk.Anchor, r.SigningKey != m.SigningKey, r.Recipient.String() != m.Recipient.String(), r.Mailbox(m.Zone) != m.Device, r.Name != m.Name:
		return nil, problem(Failed, "nothing was changed; if the device was enrolled again: dpki device add", "the request is not signed by the identity of %s", p.Host.Name)
	case r.HostKey == "" || r.HostKey == m.HostKey:
		return nil, problem(Failed, "nothing was changed", "%s has made no new host key", p.Host.Name)
	}
	m.HostKey, m.Fingerprint = r.HostKey, r.Fingerprint()
	p.make.pulled = &m
	done, err := p.desk.DeliverHostCertificate(ctx, p.make)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(to, pullGo); err != nil {
		return done, because(err, Failed, "run it again: the key that was announced is not in use", "%s was not told to use the key", p.Host.Name)
	}
	return done, nil
}

// readPulled reads one request and the mark behind it.
func readPulled(from io.Reader) (*bundle.Request, error) {
	lines := bufio.NewScanner(io.LimitReader(from, bundle.MaxRequest+64))
	lines.Buffer(nil, bundle.MaxRequest)
	var text []byte
	for lines.Scan() {
		if lines.Text() == pullEnd {
			return bundle.ParseRequest(text)
		}
		text = append(append(text, lines.Bytes()...), '\n')
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}
