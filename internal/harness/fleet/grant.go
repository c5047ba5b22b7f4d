package fleet

import (
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// CA is a CA and its entry.
type CA struct {
	ssh.Signer
	Entry contracts.Change
}

// NewCA makes a user CA and announces it in the zone.
func (f *Org) NewCA() CA {
	f.t.Helper()
	return f.NewCAOf(state.KindCAUser)
}

// NewCAOf makes a CA of a kind and announces it in the zone.
func (f *Org) NewCAOf(kind state.Kind) CA {
	f.t.Helper()
	ca := f.UnannouncedCA(kind)
	f.Write(f.Zone, ca.Entry)
	return ca
}

// UnannouncedCA makes a CA and its entry, which nobody has written yet.
func (f *Org) UnannouncedCA(kind state.Kind) CA {
	f.t.Helper()
	ca := CA{Signer: f.NewKey()}
	payload, err := state.CA{Key: profile.Hash(ca.PublicKey())}.Marshal()
	ca.Entry = f.Seal(f.Zone, kind, payload, err, 24*time.Hour)
	return ca
}

// Authority is the way to a CA's entry.
func (f *Org) Authority(ca CA) bundle.Authority {
	f.t.Helper()
	k, err := f.Ring.Disclose(f.Zone, &state.Entry{Action: state.ActionPut, Kind: ca.Entry.Kind, Subject: ca.Entry.Subject, Data: ca.Entry.Data})
	f.must(err)
	return bundle.Authority{Subject: ca.Entry.Subject, Key: k}
}

// Key is a key pair that ssh can be given as a file.
type Key = sshkey.Key

// NewKey makes one.
func (f *Org) NewKey() Key {
	f.t.Helper()
	return sshkey.New(f.t)
}

// Grant writes a grant for a key on a device.
func (f *Org) Grant(mailbox state.Word, kind state.Kind, account string, key ssh.PublicKey, last time.Duration) contracts.Change {
	f.t.Helper()
	c := f.GrantEntry(mailbox, kind, account, key, last)
	f.Write(mailbox, c)
	return c
}

// GrantEntry makes the entry of a grant without writing it.
func (f *Org) GrantEntry(mailbox state.Word, kind state.Kind, account string, key ssh.PublicKey, last time.Duration) contracts.Change {
	f.t.Helper()
	payload, err := state.Grant{Account: account, Key: profile.Hash(key), Flags: state.GrantPTY}.Marshal()
	return f.Seal(mailbox, kind, payload, err, last)
}

// Certificate is the certificate of a key for a grant.
func (f *Org) Certificate(ca ssh.Signer, key ssh.PublicKey, grant contracts.Change) *ssh.Certificate {
	f.t.Helper()
	return f.CertificateUntil(ca, key, grant.Subject, grant.Until)
}

// CertificateUntil is one for a grant that was sealed here, or for none.
func (f *Org) CertificateUntil(ca ssh.Signer, key ssh.PublicKey, subject state.Word, until uint64) *ssh.Certificate {
	f.t.Helper()
	cert, err := sshca.IssueGrant(ca, key, sshca.Grant{Subject: subject, Until: until, Terms: f.terms(subject)})
	f.must(err)
	return cert
}

// granted is a grant that was sealed here.
type granted struct {
	scope state.Word
	kind  state.Kind
	state.Grant
}

// Note remembers a grant that a test has sealed by itself. What is no grant is left
// alone.
func (f *Org) Note(scope state.Word, c contracts.Change, payload []byte) {
	g, err := state.ParseGrant(payload)
	if err == nil && (c.Kind == state.KindGrant || c.Kind == state.KindGrantPriv) {
		f.granted[c.Subject] = granted{scope, c.Kind, g}
	}
}

func (f *Org) terms(subject state.Word) profile.Terms {
	g, ok := f.granted[subject]
	if !ok {
		g = granted{kind: state.KindGrant, Grant: state.Grant{Account: "nobody"}}
	}
	return profile.Terms{Zone: f.Zone, Device: f.names[g.scope], Kind: g.kind, Grant: g.Grant}
}
