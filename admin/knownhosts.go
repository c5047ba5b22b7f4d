package admin

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	// knownFresh is how old what was read of a device may be for its hosts' keys
	// to be judged without asking again: ssh asks twice for one connection.
	knownFresh = 10 * time.Second
	// knownBudget is how long asking may take; then what is kept decides, for as
	// long as the zone's offline period.
	knownBudget = 4 * time.Second
)

// PresentedKey is what ssh's KnownHostsCommand says: %H, %t and %K. Type and Key
// are empty or "NONE" where ssh has not seen a key yet.
type PresentedKey struct{ Host, Type, Key string }

// KnownHosts are the lines of known_hosts for one device, for exactly the name that
// it has by HostKeyAlias, d-<device id>.dpki. A name of another form is not ours
// and has none. What the lines cannot say, why a host is refused, is a warning.
//
//	@revoked HOST KEY         the device is retired, or the presented key denied
//	@cert-authority HOST CA   the presented certificate's CA, if it is a live host CA of the zone
//	HOST KEY                  the host key of the enrolment, unless it is denied
//
// Everything is read from verified state. The CA's key comes from the presented
// certificate: the log has its hash.
func (d *Desk) KnownHosts(ctx context.Context, p PresentedKey) ([]string, error) {
	device, err := profile.ParseHostPrincipal(p.Host)
	if err != nil {
		return nil, nil
	}
	m, err := d.knownDevice(ctx, device)
	if err != nil {
		return nil, err
	}
	var shown *profile.Key
	if p.Type != "" && p.Type != "NONE" && p.Key != "" && p.Key != "NONE" {
		if shown, err = profile.ParseText(p.Type, p.Key); err != nil {
			return nil, because(err, No, "", "the key that %s presents cannot be accepted", p.Host)
		}
	}
	return d.knownLines(p.Host, m, shown), nil
}

func (d *Desk) knownLines(host string, m bundle.RosterMember, shown *profile.Key) (lines []string) {
	view, now := d.view(m.Zone, m.Device), uint64(d.Now().Unix())
	name := d.zoneName(m.Zone) + "/" + m.Name
	line := func(marker string, key ssh.PublicKey) {
		lines = append(lines, marker+host+" "+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))))
	}
	// A denial with a `before` spares what is entered later; a host key is entered once.
	denied := func(key state.Word) bool { return view.Denied(key, 0, now) }
	if shown != nil {
		why := ""
		switch unreadable, is := view.Unreadable(now); {
		case view.Retired():
			why = "the device was retired"
		case denied(shown.Hash):
			why = "its host key is denied"
		case is:
			why = fmt.Sprintf("a restriction of block %d cannot be read", unreadable.Block)
		}
		if why != "" {
			d.warn(fmt.Sprintf("host %s is refused: %s", name, why))
			line("@revoked ", shown.Public)
			return lines
		}
	}
	if view.Retired() {
		return nil
	}
	if shown != nil && shown.Cert != nil {
		if err := d.certifies(view, shown.Cert, m.Device, now); err != nil {
			d.warn(fmt.Sprintf("the host certificate of %s does not count: %v", name, err))
		} else {
			line("@cert-authority ", shown.Cert.SignatureKey)
		}
	}
	// Before a key is presented, a pinned key would have ssh ask for its type and
	// not for a certificate.
	if shown == nil && d.hasHostCA(view, now) {
		return lines
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey)); err == nil && !denied(profile.Hash(key)) {
		line("", key)
	}
	return lines
}

// certifies says why a host certificate is not one of this device by a live CA of
// its zone. Its window is ssh's to judge.
func (d *Desk) certifies(view *state.State, cert *ssh.Certificate, device state.Word, now uint64) error {
	named, err := profile.CheckHost(cert)
	switch {
	case err != nil:
		return err
	case named != device:
		return fmt.Errorf("it is of device %s", short(named))
	}
	if err := profile.CheckSignature(cert); err != nil {
		return err
	}
	ca := profile.Hash(cert.SignatureKey)
	standing, _ := view.CA(state.KindCAHost, ca, now)
	switch {
	case standing != state.Live:
		return fmt.Errorf("its authority is %s", standing)
	case view.Denied(ca, 0, now):
		return fmt.Errorf("its authority is denied")
	}
	return nil
}

// hasHostCA reports whether host certificates of the zone can count.
func (d *Desk) hasHostCA(view *state.State, now uint64) bool {
	for ca := range view.CAs() {
		if ca.Kind == state.KindCAHost && view.Standing(&ca.Fact, now) == state.Live {
			return true
		}
	}
	return false
}

// knownDevice finds a device by its id and brings its logs up to date, unless they
// were just read. An endpoint that does not answer in time leaves what was read
// before, for as long as the zone lets its devices go on without news.
func (d *Desk) knownDevice(ctx context.Context, device state.Word) (bundle.RosterMember, error) {
	age, fresh, read := d.sinceSaw(device)
	if fresh {
		if m, err := d.kept(ctx, device); err == nil {
			return m, nil
		}
	}
	asking, cancel := context.WithTimeout(ctx, knownBudget)
	defer cancel()
	m, err := d.findHost(asking, device)
	if err == nil {
		if err = d.need(asking, m.Device); err == nil {
			d.saw(device)
			return m, nil
		}
	}
	if !read {
		return m, err
	}
	m, errKept := d.kept(ctx, device)
	if errKept != nil {
		return m, err
	}
	offline := time.Duration(d.view(m.Zone, m.Device).Policy(uint64(d.Now().Unix())).Offline) * time.Second
	if age > offline {
		p := problem(Later, "find an endpoint that answers: dpki network check", "what is known of host %s is %s old, and the zone allows %s",
			m.Name, Length(age.Round(time.Second)), Length(offline))
		p.Err = err
		return m, p
	}
	d.warn(fmt.Sprintf("host %s is judged by what was read %s ago: %v", m.Name, Length(age.Round(time.Second)), OneLine(err)))
	return m, nil
}

// kept finds a device in what was read before, without asking anybody.
func (d *Desk) kept(ctx context.Context, device state.Word) (bundle.RosterMember, error) {
	d.unasked, d.opened = true, false
	defer func() { d.unasked = false }()
	return d.findHost(ctx, device)
}

func (d *Desk) findHost(ctx context.Context, device state.Word) (bundle.RosterMember, error) {
	if err := d.member(ctx); err != nil {
		return bundle.RosterMember{}, err
	}
	for _, m := range d.roster.Devices {
		if m.Device == device {
			return m, nil
		}
	}
	return bundle.RosterMember{}, problem(No, "dpki device list --all", "there is no device %s in this organisation", short(device))
}

// saw notes when a device's logs were last verified to be up to date. Without the
// note they are read again.
func (d *Desk) saw(device state.Word) { d.noteTime(device.String()) }

// wrote notes that this administrator has changed something: what was seen before
// is not fresh any more.
func (d *Desk) wrote() { d.noteTime(wroteName) }

const wroteName = "wrote"

func (d *Desk) noteTime(name string) {
	path := d.seenFile(name)
	if home.Make(filepath.Dir(path)) == nil {
		_ = home.Replace(path, strconv.AppendInt(nil, d.Now().UnixNano(), 10))
	}
}

// sinceSaw says whether a device's logs were ever read and how long ago, and
// whether that may be answered from.
func (d *Desk) sinceSaw(device state.Word) (age time.Duration, fresh, ok bool) {
	at, ok := d.notedTime(device.String())
	age = d.Now().Sub(at)
	if !ok || age < -ledger.ClockTolerance {
		return 0, false, false
	}
	wrote, _ := d.notedTime(wroteName)
	return max(age, 0), age >= 0 && age <= knownFresh && at.After(wrote), true
}

func (d *Desk) notedTime(name string) (time.Time, bool) {
	b, err := home.Read(d.seenFile(name), 20)
	if err != nil {
		return time.Time{}, false
	}
	at, err := strconv.ParseInt(string(b), 10, 64)
	return time.Unix(0, at), err == nil
}

func (d *Desk) seenFile(name string) string {
	return filepath.Join(d.Home.State(d.Anchor.Org), "seen", name)
}
