package sshd

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dpki/state"
)

// DropInName sorts before what others put there: sshd takes the first value of
// an option.
const DropInName = "00-dpki.conf"

// header is how a drop-in is known to be ours. Whatever else stands at its
// place is an administrator's.
const header = "# Written by `dpkid setup`, removed by `dpkid setup --undo`. Changes are lost.\n"

// Governed are the accounts that dpki decides for. All others keep their ways.
type Governed struct {
	Users  []string
	Groups []string
	NoPAM  bool // PAM is left alone: the daemon sees sessions by sshd's processes
}

// ErrGoverned says that accounts or groups cannot be governed as they are named.
var ErrGoverned = errors.New("accounts to govern")

// text is the drop-in:
//
//	Match User a,b
//		(options)
//	Match Group g
//		(options)
//
// sshd falls through to AuthorizedKeysFile, and to a certificate authority of
// its own, where the command prints nothing: both are closed, or a denial would
// be none. A Match block ends with the included file.
func (d dropIn) text() (string, error) {
	if len(d.Users)+len(d.Groups) == 0 {
		return "", fmt.Errorf("%w: none is named", ErrGoverned)
	}
	for _, name := range append(append([]string{}, d.Users...), d.Groups...) {
		if !state.ValidAccount(name) {
			return "", fmt.Errorf("%w: %.40q is no name that sshd's patterns hold", ErrGoverned, name)
		}
	}
	b := header
	if d.NoPAM {
		b += noPAM
	}
	for _, m := range []struct {
		criterion string
		names     []string
	}{{"User", d.Users}, {"Group", d.Groups}} {
		if len(m.names) == 0 {
			continue
		}
		b += fmt.Sprintf("Match %s %s\n", m.criterion, strings.Join(m.names, ","))
		for _, o := range d.options() {
			b += fmt.Sprintf("\t%s %s\n", o.name, o.value)
		}
	}
	return b, nil
}

// dropIn is what the file says.
type dropIn struct {
	Governed
	helper, user string
	ownMethods   bool // the site demands methods of its own, a public key among them
}

// noPAM tells the daemon, and doctor, that PAM was left alone on purpose.
const noPAM = "# PAM is left alone (--no-pam).\n"

// parseDropIn reads back what text has written.
func parseDropIn(text string) (d dropIn) {
	d.ownMethods = !strings.Contains(text, "\t"+methods+" ")
	d.NoPAM = strings.Contains(text, noPAM)
	for line := range strings.Lines(text) {
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "Match User "); ok {
			d.Users = strings.Split(names, ",")
		}
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "Match Group "); ok {
			d.Groups = strings.Split(names, ",")
		}
	}
	return d
}

type option struct{ name, value string }

const methods = "AuthenticationMethods"

// options are what holds for governed accounts. Beyond the keys: no other method lets in, since dpki decides about keys alone;
// and ~/.ssh/rc, which one guest of an account could leave for the next, is not run.
func (d dropIn) options() []option {
	all := []option{
		{"AuthorizedKeysCommand", d.helper + " %u %t %k"},
		{"AuthorizedKeysCommandUser", d.user},
		{"AuthorizedKeysFile", "none"},
		{"AuthorizedPrincipalsFile", "none"},
		{"TrustedUserCAKeys", "none"},
		{"PermitUserRC", "no"},
	}
	if !d.ownMethods {
		all = append(all, option{methods, "publickey"})
	}
	return all
}

// keywords are the options' names in sshd's case, all that a drop-in may have.
func keywords() (all []string) {
	for _, o := range (dropIn{}).options() {
		all = append(all, strings.ToLower(o.name))
	}
	return all
}

// check compares what sshd says for an account with what the drop-in wants.
func (d dropIn) check(e Effective) error {
	for _, o := range d.options() {
		if got := e.First(strings.ToLower(o.name)); got != o.value {
			return fmt.Errorf("%s is %q, not %q", o.name, got, o.value)
		}
	}
	if !e.needsKey() {
		return fmt.Errorf("%s is %q: it lets in without a public key", methods, e[strings.ToLower(methods)])
	}
	return nil
}

// needsKey reports whether nobody gets in without a public key: each of the alternatives of AuthenticationMethods holds it.
func (e Effective) needsKey() bool {
	lists := strings.Fields(strings.Join(e[strings.ToLower(methods)], " "))
	for _, list := range lists {
		if !slices.Contains(strings.Split(list, ","), "publickey") {
			return false
		}
	}
	return len(lists) > 0
}

// anyMethod reports whether sshd demands no method in particular.
func (e Effective) anyMethod() bool {
	v := e.First(strings.ToLower(methods))
	return v == "" || v == "any"
}
