package sshd

import (
	"context"
	"fmt"
	"strings"
)

// otherDoors are sshd's methods that dpki does not decide about, by their
// keywords in -T.
var otherDoors = []struct{ keyword, name string }{
	{"passwordauthentication", "password"},
	{"kbdinteractiveauthentication", "keyboard-interactive"},
	{"hostbasedauthentication", "host-based"},
	{"gssapiauthentication", "GSSAPI"},
}

// doors are notes on the ways past dpki into governed accounts. They are the
// site's to close; it shall know of them.
func (s Setup) doors(ctx context.Context, accounts []string) (notes []string, err error) {
	for _, a := range accounts {
		e, err := s.Effective(ctx, a)
		if err != nil {
			return nil, err
		}
		var open []string
		for _, d := range otherDoors {
			if e.First(d.keyword) == "yes" {
				open = append(open, d.name)
			}
		}
		// Where methods are demanded, a public key may be among all of them.
		if methods := e.First("authenticationmethods"); len(open) > 0 && (methods == "" || methods == "any") {
			notes = append(notes, fmt.Sprintf("sshd also lets %q in by %s, about which dpki does not decide", a, strings.Join(open, ", ")))
		}
	}
	return notes, nil
}
