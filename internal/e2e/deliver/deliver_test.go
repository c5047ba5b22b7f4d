package deliver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// TestDelivered: what comes through the chain and two IPFS nodes is installed, and
// what must not be is not, and said so.
func TestDelivered(t *testing.T) {
	w := newWorld(t)
	t.Run("files", func(t *testing.T) { w.in(t).files() })
	t.Run("user key", func(t *testing.T) { w.in(t).userKey() })
	t.Run("refused", func(t *testing.T) { w.in(t).refused() })
	t.Run("an administrator without the kind", func(t *testing.T) { w.in(t).withoutTheKind() })
	t.Run("host key", func(t *testing.T) { w.in(t).hostKey() })
	t.Run("killed", func(t *testing.T) { w.in(t).killed() }) // the last: its daemon ends with it
}

// in is the world with a subtest's voice.
func (w *world) in(t *testing.T) *world {
	m := *w.Machine
	m.TB = t
	return &world{Machine: &m, admin: w.admin}
}

func (w *world) files() {
	first := w.pack(bundle.PurposeFiles, files("1", bundle.File{Path: "a/b", Mode: "0600", Content: bundle.Content("x")}), state.Word{})
	began := time.Now()
	w.send(first)
	d := w.becomes(first, bundle.Applied)
	w.logf("written to applied: %v", time.Since(began))
	if d.Name != "web" || d.Purpose != "files" {
		w.Errorf("%+v", d)
	}
	w.version("1")
	if info, err := os.Stat("/etc/dpki/files.d/web/a/b"); err != nil || info.Mode() != 0o600 {
		w.Errorf("%v, %v", info, err)
	}
	// A version that its check refuses: what stood there stands there.
	broken := w.pack(bundle.PurposeFiles, files("broken"), state.Word{})
	w.send(broken)
	w.waits("check /bin/sh")
	w.version("1")
	// Superseded before it could be applied; the one after it is.
	third := w.pack(bundle.PurposeFiles, files("3"), broken.subject())
	w.send(third)
	w.becomes(third, bundle.Applied)
	w.becomes(broken, device.Superseded)
	w.version("3")
	if _, err := os.Stat("/etc/dpki/files.d/web/a/b"); err == nil {
		w.Error("what the new version has not is still there")
	}
	if got := w.told(); strings.Join(got, " ") != "1 3" {
		w.Errorf("told of %v", got)
	}
	metrics := w.Dpkid(0, "status", "--metrics")
	for _, want := range []string{"dpki_deliveries_applied 1\n", "dpki_deliveries_waiting 0\n", "dpki_deliveries_refused 0\n"} {
		if !strings.Contains(metrics, want) {
			w.Errorf("no %q in the metrics", want)
		}
	}
	if shown := w.Dpkid(0, "status"); !strings.Contains(shown, "files web: applied") {
		w.Errorf("status: %s", shown)
	}
	// Revoked: files may be in use, and stay.
	w.revoke(third)
	w.turns(third, device.RevokedLeft)
	w.version("3")
}

// revoke takes deliveries back.
func (w *world) revoke(p *parcel) {
	w.Helper()
	w.Org.Revoke(w.ID, p.change)
}

// turns waits until a delivery that was applied has become something else.
func (w *world) turns(p *parcel, want string) {
	w.Helper()
	w.Eventually("delivery that is revoked", settled, func(s device.Status) bool {
		return slices.ContainsFunc(s.Delivered, func(d device.Delivered) bool { return d.Subject == p.subject() && d.Result == want })
	})
}

func (w *world) userKey() {
	ca, key := w.Org.NewCAOf(state.KindCAUser), w.Org.NewKey()
	content := func(by fleet.CA) *bundle.UserKey {
		cert, err := sshca.IssueGrant(by, key.PublicKey(), sshca.Grant{Subject: state.Word{1}, Until: uint64(time.Now().Add(time.Hour).Unix()), Terms: profile.Terms{Kind: state.KindGrant, Grant: state.Grant{Account: "ops"}}})
		w.Must(err)
		return &bundle.UserKey{Version: 1, Name: "backup", PrivateKey: text(w, key), Certificate: line(cert), Authority: w.Org.Authority(by)}
	}
	// By a CA that nobody has announced: it waits. Announced, it is applied.
	stranger := w.Org.UnannouncedCA(state.KindCAUser)
	p := w.pack(bundle.PurposeUserKey, content(stranger), state.Word{})
	w.send(p)
	w.waits("does not trust its CA")
	if _, err := os.Stat("/etc/dpki/keys.d/backup"); err == nil {
		w.Error("a key by a CA that nobody trusts is in use")
	}
	w.Org.Write(w.Org.Zone, stranger.Entry)
	w.becomes(p, bundle.Applied)
	// The next one supersedes it by its name.
	next := w.pack(bundle.PurposeUserKey, content(ca), p.subject())
	w.send(next)
	w.becomes(next, bundle.Applied)
	got, err := sshca.LoadKey("/etc/dpki/keys.d/backup", nil)
	if err != nil || line(got.PublicKey()) != line(key.PublicKey()) {
		w.Errorf("the key: %v", err)
	}
	// The one that was superseded is revoked: nothing happens. The one in force: all of it goes.
	w.revoke(p)
	w.revoke(next)
	w.turns(next, device.Revoked)
	for _, name := range []string{"backup", "backup.pub", "backup-cert.pub"} {
		if _, err := os.Stat("/etc/dpki/keys.d/" + name); err == nil {
			w.Errorf("%s of a revoked delivery is there", name)
		}
	}
	w.becomes(p, device.Superseded)
}

// refused: bundles that somebody with power over the mailbox announced, and that
// are no use to this device.
func (w *world) refused() {
	content, err := files("refused").Marshal()
	w.Must(err)
	other, err := bundle.GenerateIdentity()
	w.Must(err)
	wrong := w.packFor(other.Recipient(), bundle.PurposeFiles, content, state.Word{})
	w.send(wrong)
	w.becomes(wrong, "another recipient")

	// Content that is not what the entry commits to: another block's digest.
	altered, source := w.pack(bundle.PurposeFiles, files("refused"), state.Word{}), w.pack(bundle.PurposeFiles, files("refused"), state.Word{})
	payload, err := state.Delivery{Commitment: state.Word{1}, Block: state.Word(source.block.CID), Purpose: uint8(bundle.PurposeFiles)}.Marshal()
	altered.change = w.Org.Seal(w.ID, state.KindDelivery, payload, err, time.Hour)
	altered.block = source.block
	w.send(altered)
	w.becomes(altered, "belongs to another entry")

	// Another organisation's bundle, under an entry of this one's.
	elsewhere := w.pack(bundle.PurposeFiles, files("refused"), state.Word{})
	foreign := w.Org.Anchor
	foreign.Org = state.Word{7}
	block, commitment, err := bundle.Seal(w.Asked.Recipient, bundle.Header{Anchor: foreign, Scope: w.ID, Subject: state.Word{1}, Purpose: bundle.PurposeFiles}, content)
	w.Must(err)
	payload, err = state.Delivery{Commitment: commitment, Block: state.Word(block.CID), Purpose: uint8(bundle.PurposeFiles)}.Marshal()
	elsewhere.change, elsewhere.block = w.Org.Seal(w.ID, state.KindDelivery, payload, err, time.Hour), block
	w.send(elsewhere)
	w.becomes(elsewhere, "another organisation")

	nonsense := w.packFor(w.Asked.Recipient, bundle.PurposeFiles, []byte(`{"version":1}`), state.Word{})
	w.send(nonsense)
	w.becomes(nonsense, "malformed")
	materials := w.packFor(w.Asked.Recipient, bundle.PurposeDeviceMaterials, content, state.Word{})
	w.send(materials)
	w.becomes(materials, "belongs to another entry")

	// A block that nobody serves is waited for, and others do not wait for it.
	absent, present := w.pack(bundle.PurposeFiles, files("absent"), state.Word{}), w.pack(bundle.PurposeFiles, files("present"), state.Word{})
	w.announce(absent)
	w.send(present)
	w.becomes(present, bundle.Applied)
	w.version("present")
	// It came before the one in force, so it is superseded, wherever it was.
	w.store(absent)
	w.becomes(absent, device.Superseded)
	w.version("present")
	if metrics := w.Dpkid(0, "status", "--metrics"); !strings.Contains(metrics, "dpki_deliveries_refused 5\n") {
		w.Errorf("metrics: %s", metrics)
	}
}

// withoutTheKind: the contract does not take a delivery by somebody who may not.
func (w *world) withoutTheKind() {
	key, err := crypto.GenerateKey()
	w.Must(err)
	account := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	w.Must(w.Org.Chain.Fund(w.Context(), account, devchain.Ether(100)))
	admin := state.Admin{Account: account, Power: w.Org.Zone, PutMask: state.KindMask{}.With(state.KindGrant), Salt: state.Word{3}}
	allowed := admin
	allowed.PutMask, allowed.Salt = allowed.PutMask.With(state.KindDelivery), state.Word{4}
	for _, a := range []state.Admin{admin, allowed} {
		w.Org.Write(w.Org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindAdmin, Until: uint64(time.Now().Add(time.Hour).Unix()), Subject: a.ID(), Data: a.Marshal()})
	}
	p := w.pack(bundle.PurposeFiles, files("delegated"), state.Word{})
	w.store(p)
	group := contracts.Group{Scope: w.ID, Salt: w.Asked.MailboxSecret.Commitment(), Changes: []contracts.Change{p.change}}
	if err := w.Org.WriteAs(key, admin, group); err == nil {
		w.Error("an administrator who may grant only has delivered")
	}
	w.Must(w.Org.WriteAs(key, allowed, group))
	w.becomes(p, bundle.Applied)
	w.version("delegated")
}

// killed: the daemon dies while deliveries come, and each arrives once.
func (w *world) killed() {
	before := len(w.told())
	var last *parcel
	for i := range 5 {
		p := w.pack(bundle.PurposeFiles, files(fmt.Sprintf("k%d", i)), state.Word{})
		w.send(p)
		time.Sleep(time.Duration(i) * 60 * time.Millisecond)
		w.Daemon.Kill()
		w.Run()
		w.becomes(p, "")
		last = p
	}
	w.becomes(last, bundle.Applied)
	w.version("k4")
	told := w.told()[before:]
	w.logf("killed five times, told of %v", told)
	for i := 1; i < len(told); i++ {
		if told[i] < told[i-1] {
			w.Errorf("an older version after a newer one: %v", told)
		}
	}
	if left, err := filepath.Glob("/etc/dpki/files.d/web/.dpki-*"); err != nil || len(left) > 0 {
		w.Errorf("left behind: %v, %v", left, err)
	}
}

// hostKey: a new host key and its certificate are in use at once, while a session
// that began before goes on.
func (w *world) hostKey() {
	users, hosts := w.Org.NewCAOf(state.KindCAUser), w.Org.NewCAOf(state.KindCAHost)
	key := w.Org.NewKey()
	grant := w.Org.Grant(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	cert := w.Org.Certificate(users, key.PublicKey(), grant)
	written := w.Org.Chain.Number()
	w.Eventually("the grant", settled, func(s device.Status) bool { return s.Block >= written })
	w.Accepted("before", "alice", key, cert)
	client := w.Client("alice", key, cert)

	typed, stdin, err := os.Pipe()
	w.Must(err)
	defer typed.Close()
	_, err = stdin.WriteString("one\n")
	w.Must(err)
	// It is there before anything changes.
	session := harness.Start(w, harness.Command{Path: "/usr/bin/ssh", Args: w.Sshd.Args(client, "cat"), Stdin: typed, Ready: harness.Says("one\n")})

	fresh, now := w.Org.NewKey(), uint64(time.Now().Unix())
	h := &bundle.HostCertificate{Version: 1, PrivateKey: text(w, fresh), Authority: w.Org.Authority(hosts)}
	hostCert, err := sshca.IssueHost(hosts, fresh.PublicKey(), sshca.Host{Device: w.ID, From: now - 60, Until: now + 3600})
	w.Must(err)
	h.Certificates = []string{line(hostCert)}
	p := w.pack(bundle.PurposeHostCertificate, h, state.Word{})
	w.send(p)
	w.becomes(p, bundle.Applied)

	// ssh knows the CA and the device's name, and no key.
	known := filepath.Join(w.TempDir(), "known_hosts")
	name := "d-" + w.ID.String() + ".dpki"
	w.Must(os.WriteFile(known, []byte("@cert-authority "+name+" "+line(hosts.PublicKey())+"\n"), 0o600))
	client.Options = []string{"UserKnownHostsFile=" + known, "HostKeyAlias=" + name}
	w.Eventually("the new host key", settled, func(device.Status) bool {
		return w.Sshd.Login(w, client, "true").Code == 0
	})
	_, err = stdin.WriteString("two\n")
	w.Must(err)
	w.Must(stdin.Close())
	if code, err := session.Wait(harness.Patience); err != nil || code != 0 || session.Output() != "one\ntwo\n" {
		w.Errorf("the session that was open: exit %d, %v, %q", code, err, session.Output())
	}
	// By the old key nobody gets in any more: ssh that knows only that refuses.
	if got := w.Sshd.Login(w, w.Client("alice", key, cert), "true"); got.Code != 255 {
		w.Errorf("the old host key is still shown: %+v", got)
	}
}
