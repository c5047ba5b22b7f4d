package sshd

import (
	"errors"
	"fmt"
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
func (g Governed) text(helper, user string) (string, error) {
	if len(g.Users)+len(g.Groups) == 0 {
		return "", fmt.Errorf("%w: none is named", ErrGoverned)
	}
	for _, name := range append(append([]string{}, g.Users...), g.Groups...) {
		if !state.ValidAccount(name) {
			return "", fmt.Errorf("%w: %.40q is no name that sshd's patterns hold", ErrGoverned, name)
		}
	}
	b := header
	for _, m := range []struct {
		criterion string
		names     []string
	}{{"User", g.Users}, {"Group", g.Groups}} {
		if len(m.names) == 0 {
			continue
		}
		b += fmt.Sprintf("Match %s %s\n", m.criterion, strings.Join(m.names, ","))
		for _, o := range options(helper, user) {
			b += fmt.Sprintf("\t%s %s\n", o.name, o.value)
		}
	}
	return b, nil
}

type option struct{ name, value string }

func options(helper, user string) []option {
	return []option{
		{"AuthorizedKeysCommand", helper + " %u %t %k"},
		{"AuthorizedKeysCommandUser", user},
		{"AuthorizedKeysFile", "none"},
		{"AuthorizedPrincipalsFile", "none"},
		{"TrustedUserCAKeys", "none"},
	}
}

// check compares what sshd says for an account with what the drop-in wants.
func (e Effective) check(helper, user string) error {
	for _, o := range options(helper, user) {
		if got := e.First(strings.ToLower(o.name)); got != o.value {
			return fmt.Errorf("%s is %q, not %q", o.name, got, o.value)
		}
	}
	return nil
}
