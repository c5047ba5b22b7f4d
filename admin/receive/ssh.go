package receive

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/admin/sshconfig"
	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	sshConfigFile    = "ssh_config"
	knownHostsFolder = "known_hosts.d" // a file for each zone
)

// receivedLogin is what ssh is to know of a key.
type receivedLogin struct {
	account string
	hosts   []bundle.LoginHost
	own     bool // the private half is the person's own
}

// sshHost is a device as the person's ssh is told of it.
type sshHost struct {
	bundle.LoginHost
	zone    string
	retired bool
	cas     []ssh.PublicKey // host CAs of its zone, live
	logins  []sshLogin
}

type sshLogin struct{ account, key, certificate string }

// writeSSH tells ssh of the devices that the keys in use are for: where they are,
// by whom they are known, and which key goes with which account. It returns the
// path of what is to be included, empty where there is none.
func (r *Receiver) writeSSH(places []Place, sets []*receivedSet) (string, error) {
	config, known := filepath.Join(r.Folder, sshConfigFile), filepath.Join(r.Folder, knownHostsFolder)
	hosts := r.sshHosts(places, sets)
	if len(hosts) == 0 {
		if err := os.Remove(config); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "", os.RemoveAll(known)
	}
	if err := writeKnownHosts(known, hosts); err != nil {
		return "", err
	}
	text, err := sshConfigText(hosts, known)
	if err != nil {
		return "", err
	}
	return config, replaceText(config, text)
}

// writeKnownHosts writes a file for each zone: what one zone's administrators say of
// a host is nothing that ssh believes of another's, whose ids they know.
func writeKnownHosts(dir string, hosts []*sshHost) error {
	if err := home.Make(dir); err != nil {
		return err
	}
	of := map[string][]*sshHost{}
	for _, h := range hosts {
		of[h.zone] = append(of[h.zone], h)
	}
	for zone, list := range of {
		if err := replaceText(filepath.Join(dir, zone), knownHosts(list)); err != nil {
			return err
		}
	}
	there, err := os.ReadDir(dir)
	for _, f := range there {
		if of[f.Name()] == nil {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, f.Name())))
		}
	}
	return err
}

// narrowKnownHosts takes away what ssh is not to believe any more. In blind zones,
// where something that is in use cannot be read now, nothing is added: what stays is
// of a CA that stands, or of no CA, and of no retired device.
func (r *Receiver) narrowKnownHosts(places []Place, sets []*receivedSet, blind map[string]bool) error {
	dir := filepath.Join(r.Folder, knownHostsFolder)
	hosts, retired := r.sshHosts(places, sets), r.retiredIn(places)
	there, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, f := range there {
		path, zone := filepath.Join(dir, f.Name()), f.Name()
		var text string
		if blind[zone] {
			old, err := home.Read(path, maxKnownHosts)
			if err != nil {
				return err
			}
			text = narrowed(string(old), r.standingCAs(zone, sets), retired[zone])
		} else {
			text = knownHosts(slices.DeleteFunc(slices.Clone(hosts), func(h *sshHost) bool { return h.zone != zone }))
		}
		if err := replaceText(path, text); err != nil {
			return err
		}
	}
	return err
}

// maxKnownHosts bounds a zone's file, in bytes.
const maxKnownHosts = 4 << 20

// narrowed leaves out lines of CAs that do not stand and of hosts that were retired.
func narrowed(text, standing string, retired map[string]bool) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 4 && words[0] == "@revoked":
		case len(words) == 4 && words[0] == "@cert-authority" && strings.Contains(standing, words[2]+" "+words[3]+"\n") && !retired[words[1]]:
		case len(words) == 3 && !retired[words[0]]:
		default:
			continue
		}
		b.WriteString(line)
	}
	return b.String()
}

// standingCAs are a zone's host CAs in use, one a line: those that were read now,
// and those of sets that could not be.
func (r *Receiver) standingCAs(zone string, sets []*receivedSet) string {
	var b strings.Builder
	for _, s := range sets {
		if s.place.Zone != zone {
			continue
		}
		for _, ca := range s.hostCAs {
			if s.outcome == Installed {
				b.Write(ssh.MarshalAuthorizedKey(ca))
			}
		}
		if s.kept && bundle.Purpose(s.fact.Purpose) == bundle.PurposeCA {
			text, _ := home.Read(filepath.Join(r.Folder, s.link(), "ca.pub"), maxKnownHosts) // without it: none
			b.Write(text)
		}
	}
	return b.String()
}

// retiredIn are the devices that each zone's log has retired, by the names that ssh
// knows them by.
func (r *Receiver) retiredIn(places []Place) map[string]map[string]bool {
	retired := map[string]map[string]bool{}
	for _, p := range places {
		retired[p.Zone] = map[string]bool{}
		for _, e := range r.Ledger.Entries(p.zone) {
			if e.Kind == state.KindDevice && e.Action == state.ActionRevoke {
				retired[p.Zone][profile.HostPrincipal(e.Subject)] = true
			}
		}
	}
	return retired
}

// replaceText writes a file that is not as it is to be.
func replaceText(path, text string) error {
	if b, err := home.Read(path, len(text)); err == nil && string(b) == text {
		return nil
	}
	return home.Replace(path, []byte(text))
}

func (r *Receiver) sshHosts(places []Place, sets []*receivedSet) []*sshHost {
	cas, retired := map[string][]ssh.PublicKey{}, r.retiredIn(places)
	for _, s := range sets {
		if s.outcome == Installed {
			cas[s.place.Zone] = append(cas[s.place.Zone], s.hostCAs...)
		}
	}
	var list []*sshHost
	for _, s := range sets {
		if s.outcome != Installed || s.login == nil {
			continue
		}
		dir := filepath.Join(r.Folder, s.link())
		login := sshLogin{account: s.login.account, key: filepath.Join(dir, keyFile), certificate: filepath.Join(dir, keyFile+"-cert.pub")}
		if s.login.own {
			login.key = r.Home.LoginKey()
		}
		for _, h := range s.login.hosts {
			i := slices.IndexFunc(list, func(known *sshHost) bool { return known.zone == s.place.Zone && known.Name == h.Name })
			if i < 0 {
				list = append(list, &sshHost{LoginHost: h, zone: s.place.Zone, retired: retired[s.place.Zone][profile.HostPrincipal(h.Device)], cas: cas[s.place.Zone]})
				i = len(list) - 1
			}
			// Of two keys that name the same device differently the first counts, and the
			// other is not used with it.
			if list[i].Device == h.Device {
				list[i].logins = append(list[i].logins, login)
			}
		}
	}
	slices.SortFunc(list, func(a, b *sshHost) int { return strings.Compare(a.zone+"/"+a.Name, b.zone+"/"+b.Name) })
	return list
}

// knownHosts has, for exactly the name that a device has by HostKeyAlias, the host
// CAs of its zone, and the key that it was enrolled with only where there is none: a
// key that has been replaced since would else go on counting.
func knownHosts(hosts []*sshHost) string {
	var b strings.Builder
	for _, h := range hosts {
		alias := profile.HostPrincipal(h.Device)
		switch {
		case h.retired && h.HostKey != "":
			fmt.Fprintf(&b, "@revoked %s %s\n", alias, h.HostKey)
		case h.retired:
		case len(h.cas) > 0:
			for _, ca := range h.cas {
				fmt.Fprintf(&b, "@cert-authority %s %s\n", alias, profile.Line(ca))
			}
		case h.HostKey != "":
			fmt.Fprintf(&b, "%s %s\n", alias, h.HostKey)
		}
	}
	return b.String()
}

func sshConfigText(hosts []*sshHost, known string) (string, error) {
	named := map[string]int{}
	for _, h := range hosts {
		named[h.Name]++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by dpki receive, from what was delivered; it writes it again.\n")
	for _, h := range hosts {
		quotedKnown, err := sshPath(filepath.Join(known, h.zone))
		if err != nil {
			return "", err
		}
		patterns := sshconfig.Names(h.zone, h.Name, named[h.Name] == 1)
		fmt.Fprintf(&b, "\nHost %s\n", strings.Join(patterns, " "))
		if host, port, err := net.SplitHostPort(h.Address); err == nil {
			fmt.Fprintf(&b, "    HostName %s\n    Port %s\n", host, port)
		}
		accounts := map[string]bool{}
		for _, l := range h.logins {
			accounts[l.account] = true
		}
		if len(accounts) == 1 {
			fmt.Fprintf(&b, "    User %s\n", h.logins[0].account)
		}
		for _, o := range sshconfig.KnownBy(profile.HostPrincipal(h.Device), h.HostKey, "UserKnownHostsFile="+quotedKnown) {
			name, value, _ := strings.Cut(o, "=")
			fmt.Fprintf(&b, "    %s %s\n", name, value)
		}
		for _, l := range h.logins {
			key, err := sshPath(l.key)
			if err != nil {
				return "", err
			}
			certificate, err := sshPath(l.certificate)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "Match originalhost %s user %s\n    IdentityFile %s\n    CertificateFile %s\n    IdentitiesOnly yes\n", strings.Join(patterns, ","), l.account, key, certificate)
		}
	}
	return b.String(), nil
}

// sshPath spells a path for ssh_config(5), which expands % and ${}.
func sshPath(path string) (string, error) {
	if strings.ContainsAny(path, "\"'\\\n\r") || strings.Contains(path, "${") {
		return "", fault.New(fault.Usage, "use a folder without quotes, backslashes and ${", "ssh cannot be given %.200q", path)
	}
	return `"` + strings.ReplaceAll(path, "%", "%%") + `"`, nil
}
