package siege

import (
	"fmt"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// User is a key with a certificate for a grant.
type User struct {
	Account string
	Key     fleet.Key
	Grant   contracts.Change
	Cert    *ssh.Certificate
}

// Granted lets a new key in to an account for an hour.
func (s *Site) Granted(account string) User {
	s.Helper()
	u := s.Ungranted(account)
	s.Org.Write(s.ID, u.Grant)
	return u
}

// Ungranted has everything but the entry on the chain.
func (s *Site) Ungranted(account string) User {
	s.Helper()
	u, kind := User{Account: account, Key: s.Org.NewKey()}, state.KindGrant
	if account == "root" {
		kind = state.KindGrantPriv
	}
	u.Grant = s.Org.GrantEntry(s.ID, kind, account, u.Key.PublicKey(), time.Hour)
	u.Cert = s.Org.Certificate(s.CA, u.Key.PublicKey(), u.Grant)
	return u
}

// Pair grants two in one transaction, so that there is something to reorder.
func (s *Site) Pair() (User, User) {
	s.Helper()
	a, b := s.Ungranted("alice"), s.Ungranted("alice")
	s.Org.Write(s.ID, a.Grant, b.Grant)
	return a, b
}

// Revoke revokes the grant.
func (s *Site) Revoke(u User) {
	s.Helper()
	s.Org.Revoke(s.ID, u.Grant)
}

// LogsIn is one login through sshd.
func (s *Site) LogsIn(u User) error { return s.Present(u.Account, u.Key, u.Cert) }

// LetsIn asserts that a login succeeds now.
func (s *Site) LetsIn(when string, u User) {
	s.Helper()
	var err error
	s.InTime(when, func() bool { err = s.LogsIn(u); return err == nil })
	if err != nil {
		s.Errorf("%s: %s does not get in: %v, %v", when, u.Account, err, s.LastAudit())
	}
}

// Refuses asserts that a login is refused now, and why.
func (s *Site) Refuses(when string, u User, why authkeys.Reason) {
	s.Helper()
	s.Denied(when, u.Account, u.Key, u.Cert, why)
}

// Until waits for the daemon to answer sshd so, telling it of news all the time,
// and then logs in.
func (s *Site) Until(when string, u User, in bool) {
	s.Helper()
	harness.Eventually(s, Within, func() error {
		s.Nudge()
		if got := s.Ask(u.Account, u.Cert) != ""; got != in {
			time.Sleep(pause)
			return fmt.Errorf("%s: %s would be let in: %v, want %v; %v", when, u.Account, got, in, s.LastAudit())
		}
		return nil
	})
	err := s.LogsIn(u)
	if in && err != nil {
		s.InTime(when, func() bool { err = s.LogsIn(u); return err == nil })
	}
	if (err == nil) != in {
		s.Errorf("%s: the helper says one thing, sshd another: %v", when, err)
	}
}
