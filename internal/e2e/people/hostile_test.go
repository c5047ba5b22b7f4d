package people

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// forge is an organisation whose administrator is a test, so that it can deliver
// what dpki would not, and a person who receives by the real command.
type forge struct {
	*testing.T
	org     *fleet.Org
	home    string
	asked   *bundle.Request
	login   ssh.PublicKey
	mailbox state.Word
	users   fleet.CA
}

func newForge(t *testing.T) *forge {
	t.Helper()
	f := &forge{T: t, org: fleet.New(t, devchain.Options{MaxDrift: 4 * time.Minute}), home: t.TempDir()}
	blocks := filepath.Join(t.TempDir(), "blocks")
	f.must(os.Mkdir(blocks, 0o755))
	f.org.Blocks = &store.Folder{Path: blocks}
	f.org.Network.Stores = []network.Store{{Type: network.Folder, Path: blocks}}
	text, err := f.org.Network.Marshal()
	f.must(err)
	file := filepath.Join(f.home, "network.toml")
	f.must(os.WriteFile(file, text, 0o600))
	request := filepath.Join(f.home, "tess.request")
	f.dpki(0, "identity", "request", f.org.Anchor.String(), "--name", "tess", "--network", file, "--as", "acme", "--out", request)
	text, err = os.ReadFile(request)
	f.must(err)
	f.asked, err = bundle.ParseRequest(text)
	f.must(err)
	f.login, _, _, _, err = ssh.ParseAuthorizedKey([]byte(f.asked.LoginKey))
	f.must(err)
	f.enrol(f.org.Zone, f.org.Zone)
	f.users = f.org.NewCAOf(state.KindCAUser)
	return f
}

func (f *forge) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// enrol announces an enrolment, said to be in a zone, in the batch of another.
func (f *forge) enrol(said, announced state.Word) {
	f.Helper()
	f.mailbox = f.asked.Mailbox(f.org.Zone)
	f.must(f.org.Ring.AddMailbox(f.mailbox, f.asked.MailboxSecret))
	content, err := (&bundle.Person{Version: 1, Name: "tess", Zone: said, ZoneName: "plant"}).Marshal()
	f.must(err)
	batch := bundle.NewBatch(f.org.Anchor, announced)
	block, err := batch.Add(bundle.Item{To: f.asked.Recipient, Mailbox: f.asked.MailboxSecret, Purpose: bundle.PurposePerson, Content: content})
	f.must(err)
	index, err := batch.Build()
	f.must(err)
	for _, b := range append(index.Leaves, block, index.Root) {
		f.store(b)
	}
	f.org.Write(announced, contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(time.Hour).Unix()), Subject: batch.Subject(), Data: index.Data})
}

func (f *forge) store(b bundle.Block) {
	f.Helper()
	_, err := f.org.Blocks.Put(context.Background(), b.Bytes)
	f.must(err)
}

// userKey is a key by a CA: for the person's own key, unless another is given.
func (f *forge) userKey(name string, ca fleet.CA, key ssh.PublicKey) *bundle.UserKey {
	f.Helper()
	if key == nil {
		key = f.login
	}
	cert, err := sshca.IssueGrant(ca, key, sshca.Grant{Subject: state.Word{9}, Until: uint64(time.Now().Add(time.Hour).Unix()), Terms: profile.Terms{Kind: state.KindGrant, Grant: state.Grant{Account: "ops"}}})
	f.must(err)
	return &bundle.UserKey{Version: 1, Name: name, Certificate: line(cert), Authority: f.org.Authority(ca)}
}

func line(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

// parcel is a delivery in the making, whose parts a test may change.
type parcel struct {
	bundle.Outgoing
	block  bundle.Block
	change contracts.Change
}

func (f *forge) pack(purpose bundle.Purpose, name string, content interface{ Marshal() ([]byte, error) }, change func(*bundle.Outgoing)) *parcel {
	f.Helper()
	b, err := content.Marshal()
	f.must(err)
	p := &parcel{Outgoing: bundle.Outgoing{To: f.asked.Recipient, Mailbox: f.mailbox, Until: uint64(time.Now().Add(time.Hour).Unix()), Purpose: purpose, Content: b, Name: name}}
	if change != nil {
		change(&p.Outgoing)
	}
	block, sealed, err := f.org.Ring.Deliver(f.org.Anchor, p.Outgoing)
	f.must(err)
	p.block, p.change = block, contracts.Change{Action: state.ActionPut, Kind: state.KindDelivery, Until: p.Until, Subject: sealed.Subject, Data: sealed.Data}
	return p
}

func (f *forge) send(list ...*parcel) {
	f.Helper()
	for _, p := range list {
		f.store(p.block)
		f.org.Write(f.mailbox, p.change)
	}
}

// entry is what a DELIVERY says, written as it is.
func (f *forge) entry(d state.Delivery) contracts.Change {
	f.Helper()
	payload, err := d.Marshal()
	return f.org.Seal(f.mailbox, state.KindDelivery, payload, err, time.Hour)
}

type outcome struct {
	Purpose, Name, ID, Outcome, Why, Path string
}

// receive is what the command makes of it, by the delivery's id, and its status.
func (f *forge) receive(want int) map[string]outcome {
	f.Helper()
	var got struct{ Received []outcome }
	f.must(json.Unmarshal(f.dpki(want, "receive", "--json"), &got))
	list := map[string]outcome{}
	for _, o := range got.Received {
		list[o.ID] = o
	}
	return list
}

func (f *forge) dpki(want int, args ...string) []byte {
	f.Helper()
	cmd := exec.Command(harness.Bin(f.T, "dpki"), append([]string{"--home", filepath.Join(f.home, "home")}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + f.home}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	if got := cmd.ProcessState.ExitCode(); got != want {
		f.Fatalf("dpki %q ended with %d, want %d\n%s%s", args, got, want, out, stderr.String())
	}
	return out
}

func (f *forge) becomes(p *parcel, status int, outcome, why string) {
	f.Helper()
	got := f.receive(status)[p.change.Subject.String()]
	if got.Outcome != outcome || !strings.Contains(got.Why, why) {
		f.Errorf("became %+v, want %s: %q", got, outcome, why)
	}
}

// gone ends a delivery, so that the next attack stands alone.
func (f *forge) gone(p *parcel) {
	f.Helper()
	f.org.Revoke(f.mailbox, p.change)
}

const (
	installed = "installed"
	refused   = "refused"
	waiting   = "waiting"
)

func files(version string) *bundle.Files {
	return &bundle.Files{Version: 1, Name: "web", Files: []bundle.File{{Path: "version", Mode: "0644", Content: bundle.Content(version)}}}
}

// TestHostile: what somebody with power over her mailbox, or with the stores, may
// send her that she does not take. Each has its twin, which she does.
func TestHostile(t *testing.T) {
	harness.Need(t, harness.Namespace)
	f := newForge(t)
	in := func(t *testing.T) *forge { g := *f; g.T = t; return &g }

	t.Run("somebody else's enrolment", func(t *testing.T) {
		f := in(t)
		other := f.org.NewZone("office")
		f.enrol(f.org.Zone, other) // zone office says where plant's people are
		p := f.pack(bundle.PurposeFiles, "web", files("1"), nil)
		f.send(p)
		f.becomes(p, 0, installed, "")
		f.gone(p)
	})
	t.Run("wrong recipient", func(t *testing.T) {
		f := in(t)
		other, err := bundle.GenerateIdentity()
		f.must(err)
		p := f.pack(bundle.PurposeFiles, "web", files("1"), func(o *bundle.Outgoing) { o.To = other.Recipient() })
		f.send(p)
		f.becomes(p, 3, refused, "another recipient")
		f.gone(p)
	})
	t.Run("altered block", func(t *testing.T) {
		f := in(t)
		p := f.pack(bundle.PurposeFiles, "web", files("1"), nil)
		good := p.block
		p.block.Bytes = append([]byte{}, good.Bytes...)
		p.block.Bytes[len(p.block.Bytes)-1]++
		blocks := f.org.Blocks.(*store.Folder).Path
		f.send(p)
		// A store that answers with other bytes under the right name.
		f.must(os.WriteFile(filepath.Join(blocks, good.CID.String()), p.block.Bytes, 0o644))
		f.becomes(p, 4, waiting, "cannot be fetched")
		f.must(os.Remove(filepath.Join(blocks, good.CID.String())))
		f.store(good)
		f.becomes(p, 0, installed, "")
		f.gone(p)
	})
	t.Run("content that the entry does not commit to", func(t *testing.T) {
		f := in(t)
		p := f.pack(bundle.PurposeFiles, "web", files("1"), nil)
		p.change = f.entry(state.Delivery{Commitment: state.Word{1}, Block: state.Word(p.block.CID), Purpose: uint8(bundle.PurposeFiles), Name: "web"})
		f.send(p)
		f.becomes(p, 3, refused, "belongs to another entry")
		f.gone(p)
	})
	t.Run("another organisation's bundle", func(t *testing.T) {
		f := in(t)
		foreign, p := f.org.Anchor, f.pack(bundle.PurposeFiles, "web", files("1"), nil)
		foreign.Org = state.Word{7}
		block, commitment, err := bundle.Seal(f.asked.Recipient, bundle.Header{Anchor: foreign, Scope: f.mailbox, Subject: state.Word{1}, Purpose: bundle.PurposeFiles}, p.Content)
		f.must(err)
		p.block, p.change = block, f.entry(state.Delivery{Commitment: commitment, Block: state.Word(block.CID), Purpose: uint8(bundle.PurposeFiles), Name: "web"})
		f.send(p)
		f.becomes(p, 3, refused, "another organisation")
		f.gone(p)
	})
	t.Run("another name than the entry's", func(t *testing.T) {
		f := in(t)
		p := f.pack(bundle.PurposeFiles, "harmless", files("1"), nil)
		f.send(p)
		f.becomes(p, 3, refused, `announced as "harmless"`)
		f.gone(p)
	})
	t.Run("a purpose that is no person's", func(t *testing.T) {
		f := in(t)
		for _, purpose := range []bundle.Purpose{bundle.PurposeHostCertificate, bundle.PurposeDeviceMaterials} {
			p := f.pack(purpose, "web", files("1"), nil)
			f.send(p)
			f.becomes(p, 3, refused, "belongs to another entry")
			f.gone(p)
		}
	})
	t.Run("superseded", func(t *testing.T) {
		f := in(t)
		text := func() string {
			b, err := os.ReadFile(filepath.Join(f.home, "home/received/acme/files/plant/web/version"))
			if err != nil {
				return ""
			}
			return string(b)
		}
		old := f.pack(bundle.PurposeFiles, "web", files("old"), nil)
		next := f.pack(bundle.PurposeFiles, "web", files("new"), func(o *bundle.Outgoing) { o.Supersedes = old.change.Subject })
		// Who withholds the newest does not have her take the one before.
		f.send(old)
		f.org.Write(f.mailbox, next.change)
		f.becomes(next, 4, waiting, "cannot be fetched")
		if got := text(); got != "" {
			t.Errorf("she has taken %q", got)
		}
		f.store(next.block)
		f.becomes(next, 0, installed, "")
		if got := text(); got != "new" {
			t.Errorf("she has %q", got)
		}
		// Nor does it come back when the newest is revoked.
		f.gone(next)
		f.receive(0)
		if got := text(); got != "" {
			t.Errorf("she has taken %q", got)
		}
		// But one that stands is not lost because a later one is no use.
		first := f.pack(bundle.PurposeFiles, "web", files("first"), nil)
		f.send(first)
		f.becomes(first, 0, installed, "")
		other, err := bundle.GenerateIdentity()
		f.must(err)
		wrong := f.pack(bundle.PurposeFiles, "web", files("wrong"), func(o *bundle.Outgoing) {
			o.To, o.Supersedes = other.Recipient(), first.change.Subject
		})
		f.send(wrong)
		f.becomes(wrong, 3, refused, "another recipient")
		f.becomes(first, 3, installed, "")
		f.gone(wrong)
		f.receive(0)
		if got := text(); got != "" {
			t.Errorf("she has %q", got)
		}
	})
	t.Run("a certificate for another key than hers", func(t *testing.T) {
		f := in(t)
		other := sshkey.New(t)
		p := f.pack(bundle.PurposeUserKey, "ops", f.userKey("ops", f.users, other.PublicKey()), nil)
		f.send(p)
		f.becomes(p, 3, refused, "another key than yours")
		f.gone(p)
		p = f.pack(bundle.PurposeUserKey, "ops", f.userKey("ops", f.users, nil), nil)
		f.send(p)
		f.becomes(p, 0, installed, "")
		f.gone(p)
	})
	t.Run("a CA that nobody has announced, then revoked", func(t *testing.T) {
		f := in(t)
		ca := f.org.UnannouncedCA(state.KindCAUser)
		p := f.pack(bundle.PurposeUserKey, "ops", f.userKey("ops", ca, nil), nil)
		f.send(p)
		f.becomes(p, 4, waiting, "does not announce its CA")
		f.org.Write(f.org.Zone, ca.Entry)
		f.becomes(p, 0, installed, "")
		f.org.Revoke(f.org.Zone, ca.Entry)
		f.becomes(p, 3, refused, "its CA is revoked")
		if left, err := os.ReadDir(filepath.Join(f.home, "home/received/acme/.sets")); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
		f.gone(p)
	})
	t.Run("an entry of another CA", func(t *testing.T) {
		f := in(t)
		stranger := f.org.UnannouncedCA(state.KindCAUser)
		u := f.userKey("ops", stranger, nil)
		u.Authority = f.org.Authority(f.users) // the thief's certificate, an honest CA's entry
		p := f.pack(bundle.PurposeUserKey, "ops", u, nil)
		f.send(p)
		f.becomes(p, 3, refused, "is of another CA")
		f.gone(p)
		hosts := f.org.NewCAOf(state.KindCAHost) // and one for hosts signs no user
		p = f.pack(bundle.PurposeUserKey, "ops", f.userKey("ops", hosts, nil), nil)
		f.send(p)
		f.becomes(p, 4, waiting, "does not announce its CA")
		f.gone(p)
	})
	t.Run("host CAs of which one was revoked", func(t *testing.T) {
		f := in(t)
		first, second := f.org.NewCAOf(state.KindCAHost), f.org.NewCAOf(state.KindCAHost)
		trust := &bundle.Trust{Version: 1, Name: "dpki", Use: bundle.ForHosts}
		for _, ca := range []fleet.CA{first, second} {
			trust.CAs = append(trust.CAs, bundle.TrustedCA{Key: line(ca.PublicKey()), Authority: f.org.Authority(ca)})
		}
		p := f.pack(bundle.PurposeCA, "dpki", trust, nil)
		f.send(p)
		f.becomes(p, 0, installed, "")
		f.org.Revoke(f.org.Zone, first.Entry)
		f.becomes(p, 0, installed, "")
		text, err := os.ReadFile(filepath.Join(f.home, "home/received/acme/ca/plant/dpki/ca.pub"))
		f.must(err)
		if string(text) != string(ssh.MarshalAuthorizedKey(second.PublicKey())) {
			t.Errorf("believed: %s", text)
		}
		f.org.Revoke(f.org.Zone, second.Entry)
		f.becomes(p, 3, refused, "its CA is revoked")
		f.gone(p)
	})
	t.Run("an administrator without the kind", func(t *testing.T) { in(t).withoutTheKind() })
	t.Run("killed", func(t *testing.T) { in(t).killed() })
	t.Run("no store", func(t *testing.T) { in(t).noStore() })
}

// killed: the command dies at any instant, and each delivery arrives all the same,
// whole and once.
func (f *forge) killed() {
	path := filepath.Join(f.home, "home/received/acme/files/plant/web/version")
	var last *parcel
	deaths := 0
	for i := range 12 {
		p := f.pack(bundle.PurposeFiles, "web", files(strings.Repeat("x", 1000*i)+"."), nil)
		f.send(p)
		cmd := exec.Command(harness.Bin(f.T, "dpki"), "--home", filepath.Join(f.home, "home"), "receive")
		cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + f.home}
		f.must(cmd.Start())
		time.Sleep(time.Duration(i) * 6 * time.Millisecond)
		f.must(cmd.Process.Kill())
		if cmd.Wait() != nil {
			deaths++
		}
		if text, err := os.ReadFile(path); err == nil && !strings.HasSuffix(string(text), ".") {
			f.Errorf("half of a version: %d bytes", len(text))
		}
		last = p
	}
	f.becomes(last, 0, installed, "")
	if text, err := os.ReadFile(path); err != nil || len(text) != 11001 {
		f.Errorf("%d bytes, %v", len(text), err)
	}
	if left, err := os.ReadDir(filepath.Join(f.home, "home/received/acme/.sets")); err != nil || len(left) != 1 {
		f.Errorf("left: %v, %v", left, err)
	}
	f.Logf("killed %d times of 12", deaths)
	if deaths == 0 {
		f.Error("nobody died: this shows nothing")
	}
	f.gone(last)
}

// withoutTheKind: the contract does not take a delivery by somebody who may not.
func (f *forge) withoutTheKind() {
	key, err := crypto.GenerateKey()
	f.must(err)
	account := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	f.must(f.org.Chain.Fund(f.Context(), account, devchain.Ether(100)))
	a := state.Admin{Account: account, Power: f.org.Zone, PutMask: state.KindMask{}.With(state.KindGrant), Salt: state.Word{3}}
	allowed := a
	allowed.PutMask, allowed.Salt = allowed.PutMask.With(state.KindDelivery), state.Word{4}
	for _, a := range []state.Admin{a, allowed} {
		f.org.Write(f.org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindAdmin, Until: uint64(time.Now().Add(time.Hour).Unix()), Subject: a.ID(), Data: a.Marshal()})
	}
	p := f.pack(bundle.PurposeFiles, "web", files("1"), nil)
	f.store(p.block)
	group := contracts.Group{Scope: f.mailbox, Salt: f.asked.MailboxSecret.Commitment(), Changes: []contracts.Change{p.change}}
	if err := f.org.WriteAs(key, a, group); err == nil {
		f.Error("an administrator who may grant only has delivered")
	}
	f.must(f.org.WriteAs(key, allowed, group))
	f.becomes(p, 0, installed, "")
	// Found out: what he has entered is void, and taken away again.
	payload := state.Distrust{Author: account, To: f.org.Chain.Time()}.Marshal()
	f.org.Write(f.org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindDistrust, Until: state.Never, Subject: state.Word{5}, Data: payload})
	got := f.receive(0)
	if o := got[""]; o.Outcome != "removed" || o.Name != "web" {
		f.Errorf("%+v", got)
	}
}

// noStore: what is in use stays in use when nobody serves it any more.
func (f *forge) noStore() {
	p := f.pack(bundle.PurposeUserKey, "ops", f.userKey("ops", f.users, nil), nil)
	f.send(p)
	f.becomes(p, 0, installed, "")
	f.must(os.RemoveAll(f.org.Blocks.(*store.Folder).Path))
	f.must(os.RemoveAll(filepath.Join(f.home, "home/state", f.org.Anchor.Org.String(), "blocks")))
	f.becomes(p, 4, waiting, "cannot be fetched")
	if _, err := os.Stat(filepath.Join(f.home, "home/received/acme/keys/plant/ops/id-cert.pub")); err != nil {
		f.Error(err)
	}
	f.gone(p)
	f.receive(0)
	if _, err := os.Stat(filepath.Join(f.home, "home/received/acme/keys/plant/ops")); err == nil {
		f.Error("what was revoked is there, without a store")
	}
}
