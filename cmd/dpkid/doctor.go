package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dpki/device"
	"dpki/device/config"
	"dpki/device/spawn"
	"dpki/device/sshd"
	"dpki/internal/socket"

	"github.com/urfave/cli/v2"
)

func (e *env) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "look for what is wrong, and say what to do; 0 = nothing, 1 = something",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON"},
			&cli.StringFlag{Name: "sshd-config", Value: sshdConfig, Usage: "sshd's configuration `FILE`"},
			&cli.StringFlag{Name: "sshd", Usage: "sshd's `PATH` (default: the configuration's)"},
		},
		Action: e.arguments(0, 0, e.doctor),
	}
}

// finding is one line of the doctor's.
type finding struct {
	Level string `json:"level"` // ok, note, FAIL
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"`
}

type findings []finding

func (f *findings) ok(format string, args ...any) {
	*f = append(*f, finding{"ok", fmt.Sprintf(format, args...), ""})
}

func (f *findings) note(next, format string, args ...any) {
	*f = append(*f, finding{"note", fmt.Sprintf(format, args...), next})
}

func (f *findings) fail(next, format string, args ...any) {
	*f = append(*f, finding{"FAIL", fmt.Sprintf(format, args...), next})
}

// failErr notes an error with the hint that it would have as a refusal.
func (f *findings) failErr(err error) {
	x := explained(err)
	f.fail(x.hint, "%v", x.err)
}

func (e *env) doctor(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	var f findings
	if _, err := os.Stat(e.paths.Config()); errors.Is(err, fs.ErrNotExist) {
		f.fail("`dpkid enroll ANCHOR`", "this device is not enrolled: there is no %s", e.paths.Config())
	} else {
		e.examineFiles(&f)
		e.examineDaemon(c, &f)
	}
	e.examineSshd(c, &f)
	failed := false
	for _, x := range f {
		failed = failed || x.Level == "FAIL"
	}
	if c.Bool("json") {
		if err := json.NewEncoder(e.stdout).Encode(f); err != nil {
			return err
		}
	} else {
		for _, x := range f {
			fmt.Fprintf(e.stdout, "%-5s %s\n", x.Level, x.Text)
			if x.Next != "" {
				fmt.Fprintf(e.stdout, "      -> %s\n", x.Next)
			}
		}
	}
	if failed {
		return &failure{code: exitFailed}
	}
	return nil
}

func (e *env) examineFiles(f *findings) {
	conf, err := config.Load(e.paths.Config())
	if err != nil {
		f.failErr(notEnrolled(err))
	} else {
		f.ok("%s", e.paths.Config())
		for _, account := range []string{conf.FetchUser, conf.HelperUser} {
			if _, _, err := spawn.Account(account); err != nil {
				f.fail("useradd --system --shell /usr/sbin/nologin "+account, "account %s: %v", account, err)
			}
		}
		if groups, err := groupsOf(conf.HelperUser); err == nil && len(groups) > 1 {
			f.fail("take it out of all groups but its own", "%s is in %d groups: the helper refuses to run", conf.HelperUser, len(groups))
		}
	}
	net, err := config.LoadNetwork(e.paths.Network())
	switch {
	case err != nil:
		f.failErr(err)
	case conf.Anchor.Registry != net.Registry():
		f.failErr(device.ErrOtherChain)
	default:
		f.ok("%s: chain %d", e.paths.Network(), net.ChainID)
	}
	if err := config.CheckFolders(e.paths.BreakGlass()); err != nil {
		f.failErr(err)
		return
	}
	if keys, _ := filepath.Glob(filepath.Join(e.paths.BreakGlass(), "*.keys")); len(keys) == 0 {
		f.note("put a key for an emergency into "+e.paths.BreakGlass(), "there is no break-glass key: without network for the offline period nobody gets in")
	} else {
		f.ok("%d break-glass files", len(keys))
	}
}

func groupsOf(account string) ([]string, error) {
	u, err := user.Lookup(account)
	if err != nil {
		return nil, err
	}
	return u.GroupIds()
}

func (e *env) examineDaemon(c *cli.Context, f *findings) {
	var s device.Status
	if err := e.ask(c.Context, &s, socket.Status); err != nil {
		f.failErr(err)
		return
	}
	if s.Enrolled {
		f.ok("enrolled as %s in zone %s", s.Name, s.ZoneName)
	} else {
		f.fail("`dpki device add REQUEST` on an administrator's machine", "not enrolled")
	}
	if s.TrustsOne() {
		f.note("name more endpoints and set agree in the network file; or witnesses, which one runs oneself", "endpoints: %s", s.Trust())
	} else {
		f.ok("endpoints: %s", s.Trust())
	}
	for _, h := range s.Health {
		switch {
		case h.Lies > 0:
			f.fail("find out who runs it; leave it out of the network file", "%s has given %d wrong answers, last: %s", h.Name, h.Lies, h.Problem)
		case !h.OK:
			f.note("", "%s: %s", h.Name, h.Problem)
		}
	}
	switch age := time.Duration(s.Age) * time.Second; s.Freshness {
	case "offline":
		old := fmt.Sprintf("the verified state is %v old", age)
		if s.Block == 0 {
			old = "nothing of the chain is known yet"
		}
		f.fail("reach an endpoint; until then break-glass keys alone let in", "offline: %s", old)
	case "stale":
		f.note("unprivileged logins go on for the offline period", "stale: the verified state is %v old", age)
	default:
		f.ok("fresh: block %d, %v old", s.Block, age)
	}
	if s.Problem != "" {
		f.fail(s.Next, "%s", s.Problem)
	}
	if s.Journal != "" {
		f.fail("make room on the disk that holds "+e.paths.State, "journal: %s", s.Journal)
	}
	if s.Unreadable || s.Retired || s.Enrolled && s.CAs == 0 {
		f.fail(s.Next, "nobody can log in by a certificate")
	}
	if s.Successor != nil {
		f.note(s.Successor.Next, "the organisation goes on as %s: %s", s.Successor.Anchor, s.Successor.Stage)
	}
	if s.Opaque > 0 {
		f.note("deliver the zone key that they need", "%d entries cannot be read for want of a key", s.Opaque)
	}
	e.examineClock(s, f)
}

// sshd checks a certificate's window by the machine's clock, whatever dpki
// knows of the time.
func (e *env) examineClock(s device.Status, f *findings) {
	if s.Time == 0 {
		return
	}
	off := int64(s.Wall) - int64(s.BlockTime) - s.Age
	switch {
	case off > 60 || off < -60:
		f.fail("set the clock, by NTP", "the machine's clock is off by %+d s: sshd judges certificates by it", off)
	default:
		f.ok("clock and chain differ by %+d s", off)
	}
}

// governed names accounts and groups as people write them.
func governed(g sshd.Governed) string {
	words := slices.Clone(g.Users)
	for _, group := range g.Groups {
		words = append(words, "members of "+group)
	}
	return strings.Join(words, ", ")
}

func (e *env) examineSshd(c *cli.Context, f *findings) {
	s := e.setupOf(c)
	if v, err := sshd.VersionOf(c.Context, s.Program); err != nil {
		f.fail("install openssh-server, or name it in the configuration", "%v", err)
		return
	} else if !v.ExpiryTime() {
		f.note("", "OpenSSH %s knows no expiry-time in UTC: the certificate and the daemon alone hold the end", v)
	} else {
		f.ok("OpenSSH %s", v)
	}
	if info, err := os.Stat(s.Helper); err != nil || info.Mode().Perm() != 0o755 {
		f.fail("install the package again", "%s must be root's, with mode 0755: %v", s.Helper, err)
	}
	g, err := s.Installed()
	if errors.Is(err, sshd.ErrNotSetUp) {
		f.note("dpkid setup --accounts root", "sshd does not ask dpki: no account is governed")
		return
	}
	var accounts []string
	if err == nil {
		accounts, err = g.Accounts(c.Context)
	}
	for _, a := range accounts {
		err = errors.Join(err, s.InEffect(c.Context, a))
	}
	if err != nil {
		x := explained(setupError(err))
		f.fail(x.hint, "%v", x.err)
		return
	}
	f.ok("sshd asks dpki for %s", governed(g))
	examineSessions(c, s, accounts, f)
}
