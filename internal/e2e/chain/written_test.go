package chain

import (
	"crypto/ecdsa"
	"fmt"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/sshca/profile"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
	"golang.org/x/crypto/ssh"
)

// payload seals what a grant, a CA, a denial says; window in seconds from now.
func (w *world) seal(scope state.Word, kind state.Kind, from, until int64, p interface{ Marshal() ([]byte, error) }) contracts.Change {
	w.Helper()
	data, err := p.Marshal()
	w.Must(err)
	return w.sealBytes(scope, kind, from, until, data)
}

func (w *world) sealBytes(scope state.Word, kind state.Kind, from, until int64, data []byte) contracts.Change {
	w.Helper()
	now := time.Now().Unix()
	e := bundle.Entry{Scope: scope, Kind: kind, Until: uint64(now + until)}
	if from != 0 {
		e.From = uint64(now + from)
	}
	s, err := w.Org.Ring.Seal(e, data)
	w.Must(err)
	c := contracts.Change{Action: state.ActionPut, Kind: kind, From: e.From, Until: e.Until, Subject: s.Subject, Data: s.Data}
	w.Org.Note(scope, c, data)
	return c
}

// certFor is a certificate for a grant that outlives it.
func (w *world) certFor(ca ssh.Signer, key ssh.Signer, subject state.Word) *ssh.Certificate {
	w.Helper()
	return w.Org.CertificateUntil(ca, key.PublicKey(), subject, uint64(time.Now().Unix())+3000)
}

// device2 enrols another device of the zone, which nobody runs.
func (w *world) device2() state.Word {
	w.Helper()
	id, err := bundle.GenerateIdentity()
	w.Must(err)
	request, err := id.NewRequest(w.Org.Anchor, "gate-8", "")
	w.Must(err)
	return w.Org.Enrol(request)
}

// TestWritten: what can stand in the log and lets nobody in.
func TestWritten(t *testing.T) {
	w := newWorld(t)
	key := w.Org.NewKey()
	here, zone, elsewhere := w.ID, w.Org.Zone, w.device2()
	forKey := func(account string) state.Grant {
		return state.Grant{Account: account, Key: profile.Hash(key.PublicKey())}
	}
	grant := func(scope state.Word, kind state.Kind, account string) contracts.Change {
		return w.seal(scope, kind, 0, 3000, forKey(account))
	}
	good, err := forKey("alice").Marshal()
	w.Must(err)

	sameBlock := grant(here, state.KindGrant, "alice")
	later := w.seal(here, state.KindGrant, 1200, 2400, forKey("alice"))
	short := w.seal(here, state.KindGrant, 0, 15, forKey("alice"))
	rootByGrant, rootByPriv := grant(here, state.KindGrant, "root"), grant(here, state.KindGrantPriv, "root")
	version := w.sealBytes(here, state.KindGrant, 0, 3000, append([]byte{2}, good[1:]...))
	field := w.sealBytes(here, state.KindGrant, 0, 3000, append(append([]byte{}, good...), 200, 0, 1, 'x'))
	unknownKind := w.sealBytes(here, 77, 0, 3000, good)
	window := grant(here, state.KindGrant, "alice")
	window.Until += 600
	start := w.seal(here, state.KindGrant, 1200, 2400, forKey("alice"))
	start.From = 0
	raised := grant(here, state.KindGrant, "root")
	raised.Kind = state.KindGrantPriv
	there := grant(elsewhere, state.KindGrant, "alice")
	inZone, zoneToHere := grant(zone, state.KindGrant, "alice"), grant(zone, state.KindGrant, "alice")
	flipped := grant(here, state.KindGrant, "alice")
	flipped.Data = append([]byte{}, flipped.Data...)
	flipped.Data[60] ^= 1
	renamed := grant(here, state.KindGrant, "alice")
	renamed.Subject = state.Keccak256([]byte("renamed"))
	first := grant(here, state.KindGrant, "alice")

	w.write(
		group(here, sameBlock, revokeOf(sameBlock), later, short, rootByGrant, rootByPriv, version, field, unknownKind, window, start, raised,
			there, zoneToHere, flipped, renamed, revokeOf(first)),
		group(elsewhere, there), group(zone, inZone),
	)
	w.reverts("the contract let in a put after its revocation", w.Org.WriteAs(w.Org.Key, w.Org.Admin, group(here, first)))
	w.Eventually("the end of the short grant", settled, func(s device.Status) bool { return s.Time >= short.Until })

	for _, row := range []struct {
		name    string
		account string
		subject state.Word
		why     authkeys.Reason
	}{
		{"granted and revoked in one block", "alice", sameBlock.Subject, authkeys.GrantRevoked},
		{"revoked before it could be granted", "alice", first.Subject, authkeys.GrantUnknown},
		{"not yet valid", "alice", later.Subject, authkeys.GrantNotYet},
		{"ended", "alice", short.Subject, authkeys.GrantExpired},
		{"root under GRANT", "root", rootByGrant.Subject, authkeys.NeedsPrivilegedGrant},
		{"payload of an unknown version", "alice", version.Subject, authkeys.GrantUnknown},
		{"payload with an unknown field", "alice", field.Subject, authkeys.GrantUnknown},
		{"unknown kind", "alice", unknownKind.Subject, authkeys.GrantUnknown},
		{"sealed data in a longer window", "alice", window.Subject, authkeys.GrantUnknown},
		{"sealed data in an earlier window", "alice", start.Subject, authkeys.GrantUnknown},
		{"sealed data of GRANT as GRANT_PRIV", "root", raised.Subject, authkeys.GrantUnknown},
		{"another device's sealed data", "alice", there.Subject, authkeys.GrantUnknown},
		{"the zone's sealed data in the mailbox", "alice", zoneToHere.Subject, authkeys.GrantUnknown},
		{"a bit of it changed", "alice", flipped.Subject, authkeys.GrantUnknown},
		{"by another subject", "alice", renamed.Subject, authkeys.GrantUnknown},
		{"never mined", "alice", state.Keccak256([]byte("never")), authkeys.GrantUnknown},
	} {
		w.refused(row.name, row.account, key, w.certFor(w.ca, key, row.subject), row.why)
	}
	// The twins: what was written rightly lets in.
	w.Accepted("root under GRANT_PRIV", "root", key, w.certFor(w.ca, key, rootByPriv.Subject))
	w.Accepted("by the zone", "alice", key, w.certFor(w.ca, key, inZone.Subject))
	atOnce := grant(here, state.KindGrant, "alice")
	cert := w.certFor(w.ca, key, atOnce.Subject)
	w.refused("not yet mined", "alice", key, cert, authkeys.GrantUnknown)
	w.Org.Write(here, atOnce)
	harness.Eventually(w, settled, func() error { // at the first try, unless the machine is busy
		if got := w.Login("alice", key, cert); got.Code != 0 {
			return fmt.Errorf("mined a moment ago: %+v, %v", got, w.LastAudit())
		}
		return nil
	})
}

// TestAuthorities: CAs that stand in the log and sign for nobody.
func TestAuthorities(t *testing.T) {
	w := newWorld(t)
	subject := w.good.ValidPrincipals[0]
	mine, err := profile.ParsePrincipal(subject)
	w.Must(err)
	ca := func(from, until int64) (ssh.Signer, contracts.Change) {
		k := w.Org.NewKey()
		return k, w.seal(w.Org.Zone, state.KindCAUser, from, until, state.CA{Key: profile.Hash(k.PublicKey())})
	}
	revoked, revokedEntry := ca(0, 3000)
	early, earlyEntry := ca(1200, 3000)
	brief, briefEntry := ca(0, 15)
	second, secondEntry := ca(0, 3000)
	inMailbox := w.Org.NewKey()
	mailboxEntry := w.seal(w.ID, state.KindCAUser, 0, 3000, state.CA{Key: profile.Hash(inMailbox.PublicKey())})
	w.write(group(w.Org.Zone, revokedEntry, earlyEntry, briefEntry, secondEntry), group(w.ID, mailboxEntry))
	w.Accepted("before the revocation", "alice", w.key, w.certFor(revoked, w.key, mine.Grant))
	w.write(group(w.Org.Zone, revokeOf(revokedEntry)))
	w.Eventually("the end of a CA", settled, func(s device.Status) bool { return s.Time >= briefEntry.Until })
	for _, row := range []struct {
		name string
		ca   ssh.Signer
		why  authkeys.Reason
	}{
		{"revoked", revoked, authkeys.CARevoked},
		{"not yet valid", early, authkeys.CANotYet},
		{"ended", brief, authkeys.CAExpired},
		{"in a mailbox", inMailbox, authkeys.CAUnknown},
	} {
		w.refused(row.name, "alice", w.key, w.certFor(row.ca, w.key, mine.Grant), row.why)
	}
	w.Accepted("another CA", "alice", w.key, w.certFor(second, w.key, mine.Grant))
}

// TestRestrictions: what takes away, in the order in which it can come.
func TestRestrictions(t *testing.T) {
	w := newWorld(t)
	deny := func(key ssh.Signer, before uint64) contracts.Change {
		return w.seal(w.Org.Zone, state.KindDeny, 0, 3000, state.Deny{Key: profile.Hash(key.PublicKey()), Before: before})
	}
	granted := func(key fleet.Key) *ssh.Certificate {
		cert := w.Org.Certificate(w.ca, key.PublicKey(), w.Org.Grant(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour))
		w.read()
		return cert
	}
	denied, since, clear := w.Org.NewKey(), w.Org.NewKey(), w.Org.NewKey()
	clearEntry := contracts.Change{Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: profile.Hash(clear.PublicKey())}
	entry := deny(denied, state.Never)
	w.write(group(w.Org.Zone, entry, deny(since, w.Org.Chain.Time())), group(w.Org.Anchor.Org, clearEntry))
	afterwards := granted(denied)
	w.refused("denied before it was granted", "alice", denied, afterwards, authkeys.Denied)
	w.Accepted("denied for what was entered before", "alice", since, granted(since))
	w.refused("denied in clear", "alice", clear, granted(clear), authkeys.Denied)
	w.write(group(w.Org.Zone, revokeOf(entry)))
	w.Accepted("the denial revoked", "alice", denied, afterwards)

	// What cannot be read denies everybody who needs that scope.
	w.everybody("a denial of an unknown version", w.ID, w.sealBytes(w.ID, state.KindDeny, 0, 3000, []byte{9}))
	w.everybody("a policy that is not sealed", w.Org.Zone, contracts.Change{
		Action: state.ActionPut, Kind: state.KindPolicy, Until: uint64(time.Now().Unix()) + 3000, Subject: state.Keccak256([]byte("policy")), Data: []byte{1}})

	// One sealed with a key that the device is not given until later.
	w.Org.AddKey()
	w.write(group(w.Org.Zone, deny(w.Org.NewKey(), state.Never)))
	w.shut("a denial by an unknown zone key")
	w.Org.Announce(w.Org.Zone, func(r *bundle.Request) *bundle.DeviceMaterials { return w.Org.Materials(r.Name) }, w.Asked)
	w.Eventually("the second zone key", settled, func(s device.Status) bool { return len(s.ZoneKeys) == 2 && !s.Unreadable })
	w.twin("the key delivered")
}

// everybody writes an entry that must deny everybody, and revokes it.
func (w *world) everybody(name string, scope state.Word, c contracts.Change) {
	w.Helper()
	w.write(group(scope, c))
	w.shut(name)
	w.write(group(scope, revokeOf(c)))
	w.twin(name)
}

// shut: the good certificate does not log in, because something cannot be read.
func (w *world) shut(name string) {
	w.Helper()
	if err := w.Present("alice", w.key, w.good); err == nil || w.LastAudit().Reason != authkeys.Unreadable.String() {
		w.Errorf("%s: %v, %v", name, err, w.LastAudit())
	}
}

// A delegated administrator acts inside of its masks; what it wrote is void once it is distrusted.
func TestDistrustedAdministrator(t *testing.T) {
	w := newWorld(t)
	delegate, admin := w.delegate()
	org := w.Org.Anchor.Org
	key := w.Org.NewKey()
	theirs := w.Org.GrantEntry(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	w.reverts("an administrator wrote a kind outside of its mask", w.Org.WriteAs(delegate, admin, group(w.ID, w.Org.GrantEntry(w.ID, state.KindGrantPriv, "root", key.PublicKey(), time.Hour))))
	stranger := admin
	stranger.PutMask = stranger.PutMask.With(state.KindGrantPriv)
	w.reverts("an administrator wrote with a mask that nobody gave it", w.Org.WriteAs(delegate, stranger, group(w.ID, w.Org.GrantEntry(w.ID, state.KindGrantPriv, "root", key.PublicKey(), time.Hour))))
	w.Must(w.Org.WriteAs(delegate, admin, group(w.ID, theirs)))
	cert := w.Org.Certificate(w.ca, key.PublicKey(), theirs)
	w.read()
	w.Accepted("by a delegated administrator", "alice", key, cert)
	w.write(group(org, contracts.Change{
		Action: state.ActionPut, Kind: state.KindDistrust, Until: state.Never, Subject: state.Keccak256([]byte("distrust")),
		Data: state.Distrust{Author: admin.Account, From: 0, To: w.Org.Chain.Time()}.Marshal(),
	}))
	w.refused("by a distrusted administrator", "alice", key, cert, authkeys.GrantDistrusted)
	w.write(group(org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindAdmin, Subject: admin.ID()}))
	w.reverts("a revoked administrator wrote", w.Org.WriteAs(delegate, admin, group(w.ID, w.Org.GrantEntry(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour))))
	again := w.Org.Grant(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	w.read()
	w.Accepted("by another administrator", "alice", key, w.Org.Certificate(w.ca, key.PublicKey(), again))
}

// reverts: the contract has refused, and nothing else was wrong.
func (w *world) reverts(what string, err error) {
	w.Helper()
	if err == nil || !strings.Contains(err.Error(), "reverted") {
		w.Errorf("%s: %v", what, err)
	}
}

// delegate enters an administrator who may grant and nothing else.
func (w *world) delegate() (*ecdsa.PrivateKey, state.Admin) {
	w.Helper()
	key := w.funded()
	admin := state.Admin{Account: state.Address(crypto.PubkeyToAddress(key.PublicKey)), Power: w.Org.Anchor.Org,
		PutMask: state.KindMask{}.With(state.KindGrant), Salt: state.Keccak256([]byte("delegate"))}
	w.Org.Write(w.Org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindAdmin, Until: uint64(time.Now().Unix()) + 100_000,
		Subject: admin.ID(), Data: admin.Marshal()})
	return key, admin
}

// funded is a chain key with ether.
func (w *world) funded() *ecdsa.PrivateKey {
	w.Helper()
	key, err := crypto.GenerateKey()
	w.Must(err)
	w.Must(w.Org.Chain.Fund(w.Context(), state.Address(crypto.PubkeyToAddress(key.PublicKey)), devchain.Ether(100)))
	return key
}

// A device that was retired lets nobody in, whatever is granted afterwards.
func TestRetired(t *testing.T) {
	w := newWorld(t)
	w.write(group(w.Org.Zone, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: state.Keccak256([]byte("another device"))}))
	w.twin("another device retired")
	w.write(group(w.Org.Zone, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: w.ID}))
	w.gone("this device retired")
}

// So does one whose zone was revoked.
func TestZoneRevoked(t *testing.T) {
	w := newWorld(t)
	other := w.Org.NewZone("other")
	w.write(group(w.Org.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindZone, Subject: other}))
	w.twin("another zone revoked")
	w.write(group(w.Org.Anchor.Org, contracts.Change{Action: state.ActionRevoke, Kind: state.KindZone, Subject: w.Org.Zone}))
	w.gone("this device's zone revoked")
}

func (w *world) gone(name string) {
	w.Helper()
	harness.Eventually(w, settled, func() error {
		if got := w.Login("alice", w.key, w.good); got.Code != 255 {
			return errStillIn
		}
		return nil
	})
	again := w.Org.Grant(w.ID, state.KindGrant, "alice", w.key.PublicKey(), time.Hour)
	w.read()
	if err := w.Present("alice", w.key, w.Org.Certificate(w.ca, w.key.PublicKey(), again)); err == nil || w.LastAudit().Reason != authkeys.Retired.String() {
		w.Errorf("%s, a new grant: %v, %v", name, err, w.LastAudit())
	}
	if s, err := w.Status(); err != nil || !s.Retired || s.Next == "" {
		w.Errorf("%s: status %+v, %v", name, s, err)
	}
}
