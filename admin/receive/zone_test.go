package receive

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/admin/home"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/internal/anchor"
	"dpki/internal/harness/sshkey"
	"dpki/sshca/profile"
	"dpki/state"
)

// What administrators of one zone say of a host is not believed of another zone's,
// though they know its id: each has a file of its own, and what is left of a zone
// that has none any more goes.
func TestKnownHostsAreOfOneZone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), knownHostsFolder)
	in := func(zone, key string) *sshHost {
		return &sshHost{LoginHost: bundle.LoginHost{Name: "gate-7", Device: state.Word{1}, HostKey: "ssh-ed25519 " + key}, zone: zone}
	}
	thief := in("evil", "THIEF")
	if err := writeKnownHosts(dir, []*sshHost{in("plant", "HONEST"), thief}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "plant"))
	if err != nil || !strings.Contains(string(text), "HONEST") || strings.Contains(string(text), "THIEF") {
		t.Errorf("believed of plant's: %q, %v", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "evil")); err != nil || !strings.Contains(string(text), "THIEF") {
		t.Errorf("believed of evil's: %q, %v", text, err)
	}
	config, err := sshConfigText([]*sshHost{thief, in("plant", "HONEST")}, dir)
	if err != nil || !strings.Contains(config, "Host plant/gate-7\n    HostKeyAlias") || !strings.Contains(config, filepath.Join(dir, "plant")) {
		t.Errorf("%v\n%s", err, config)
	}
	if err := writeKnownHosts(dir, []*sshHost{in("plant", "HONEST")}); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(dir, "evil")) || !exists(filepath.Join(dir, "plant")) {
		t.Error("what was said of a zone that is gone stays, or more went")
	}
}

// A zone keeps the name by which it was known first, also when an older one comes
// to say that it is called the same.
func TestZoneIsCalledWhatItWasCalledFirst(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := loadSearched(dir)
	plant, evil, lookalike := state.Word{9}, state.Word{1}, state.Word{2}
	if got := s.call(plant, "plant"); got != "plant" {
		t.Error(got)
	}
	s.save()
	s = loadSearched(dir) // the next look
	taken := "plant-" + evil.String()[:8]
	if got := s.call(lookalike, taken); got != taken {
		t.Error(got)
	}
	for range 2 {
		if got := s.call(evil, "plant"); got != "plant-"+evil.String() {
			t.Errorf("another zone plant is called %s", got)
		}
		if got := s.call(plant, "renamed"); got != "plant" {
			t.Errorf("plant is called %s", got)
		}
	}
}

// lying answers with other bytes than were asked for.
type lying struct{ store.Store }

func (l lying) Get(ctx context.Context, id bundle.CID, _ int) ([]byte, error) {
	return nil, &store.Error{Store: "gateway", Op: "get", ID: id, Err: store.ErrAltered}
}

// A store that answers with other bytes for once does not have a person believe for
// ever that she was not enrolled.
func TestSearchOutlivesAStoreThatLies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := home.Make(dir); err != nil {
		t.Fatal(err)
	}
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	a, zone := anchor.Anchor{Registry: state.Registry{ChainID: 1, Contract: state.Address{1}}, Org: state.Word{7}}, state.Word{8}
	content, err := (&bundle.Person{Version: 1, Name: "tess", Zone: zone, ZoneName: "plant"}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	batch := bundle.NewBatch(a, zone)
	block, err := batch.Add(bundle.Item{To: id.Recipient(), Mailbox: id.MailboxSecret(), Purpose: bundle.PurposePerson, Content: content})
	if err != nil {
		t.Fatal(err)
	}
	index, err := batch.Build()
	if err != nil {
		t.Fatal(err)
	}
	good := &store.Folder{Path: filepath.Join(t.TempDir(), "blocks")}
	for _, b := range append(index.Leaves, block, index.Root) {
		if _, err := good.Put(t.Context(), b.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	e := &state.Entry{Seq: 1, Kind: state.KindBatch, Action: state.ActionPut, Subject: batch.Subject(), Data: index.Data}
	r := &Receiver{Config: Config{Anchor: a, Identity: id}, search: loadSearched(dir)}
	r.cache = &store.Cache{Kept: store.Folder{Path: filepath.Join(dir, "blocks")}, Stores: lying{good}}
	if p, err := r.searchBatch(t.Context(), zone, e); p != nil || err == nil {
		t.Errorf("of a store that lies: %v, %v", p, err)
	}
	r.cache = &store.Cache{Kept: store.Folder{Path: filepath.Join(dir, "blocks")}, Stores: good}
	if p, err := r.searchBatch(t.Context(), zone, e); err != nil || p == nil || p.Name != "tess" {
		t.Errorf("of an honest one: %v, %v, %q", p, err, r.warnings)
	}
	// One whose bytes are as announced and no enrolment is passed over for good.
	if p, err := r.searchBatch(t.Context(), state.Word{9}, e); p != nil || err != nil || len(r.warnings) == 0 {
		t.Errorf("announced elsewhere: %v, %v, %q", p, err, r.warnings)
	}
}

// A delivery that is in use and cannot be read now freezes nothing: a CA that was
// revoked meanwhile and a device that was retired are not believed any more, in its
// zone and in others.
func TestUnreadableFreezesNoTrust(t *testing.T) {
	r := &Receiver{Config: Config{Folder: filepath.Join(t.TempDir(), "received")}}
	ca := func() ssh.PublicKey { return sshkey.New(t).PublicKey() }
	stands, revoked := ca(), ca()
	set := func(n byte, zone, name string, purpose bundle.Purpose, file receivedFile) *receivedSet {
		s := received(n)
		s.place.Zone, s.name, s.fact.Purpose, s.files = zone, name, uint8(purpose), []receivedFile{file}
		s.fact.Delivery.Purpose = uint8(purpose)
		return s
	}
	cas := func(n byte, zone, name string, key ssh.PublicKey) *receivedSet {
		s := set(n, zone, name, bundle.PurposeCA, receivedFile{"ca.pub", ssh.MarshalAuthorizedKey(key), 0o644})
		s.hostCAs = []ssh.PublicKey{key}
		return s
	}
	login := func(n byte, zone string) *receivedSet {
		s := set(n, zone, "ops", bundle.PurposeUserKey, receivedFile{"id.pub", []byte("x\n"), 0o600})
		s.login = &receivedLogin{account: "ops", hosts: []bundle.LoginHost{{Name: "gate-7", Device: state.Word{n}, Address: "192.0.2.7:22"}}}
		return s
	}
	plant, office := login(1, "plant"), login(2, "office")
	first, second, third := cas(3, "plant", "first", stands), cas(4, "plant", "second", revoked), cas(5, "office", "third", revoked)
	if err := errors.Join(home.Make(r.Folder), r.have(plant, office, first, second, third)); err != nil {
		t.Fatal(err)
	}
	believed := func(zone string, key ssh.PublicKey) bool {
		text, err := os.ReadFile(filepath.Join(r.Folder, knownHostsFolder, zone))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), profile.Line(key))
	}
	if !believed("plant", stands) || !believed("plant", revoked) || !believed("office", revoked) {
		t.Fatal("not believed while all stands")
	}
	// The login and one CA of plant cannot be read now; the other CA is revoked.
	for _, s := range []*receivedSet{plant, first} {
		s.outcome, s.kept, s.login, s.hostCAs = Waiting, true, nil, nil
	}
	second.outcome, third.outcome = Refused, Refused
	if err := r.have(plant, office, first, second, third); err != nil {
		t.Fatal(err)
	}
	if believed("plant", revoked) || believed("office", revoked) {
		t.Error("a revoked CA is believed because something else cannot be read")
	}
	if !believed("plant", stands) {
		t.Error("a CA that stands is not believed any more")
	}
	// And a retired device.
	text := "@cert-authority d-1 t k\n@cert-authority d-2 t k\nd-1 t h\nd-2 t h\n@revoked d-1 t h\nanything else at all here\n"
	if got := narrowed(text, "t k\n", map[string]bool{"d-1": true}); got != "@cert-authority d-2 t k\nd-2 t h\n@revoked d-1 t h\n" {
		t.Errorf("left of known hosts: %q", got)
	}
}
