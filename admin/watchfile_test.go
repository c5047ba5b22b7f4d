package admin

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/harness/sshkey"
	"dpki/internal/sshsig"
	"dpki/sshca/profile"
	"dpki/state"
)

// aWatchFile is two deliveries of files, asked for by asker, which dog is to sign.
func aWatchFile(t testing.TB, asker, dog ssh.Signer) *WatchFile {
	t.Helper()
	a := anchor.Anchor{Registry: state.Registry{ChainID: 31337, Contract: state.Address{7}}, Org: state.Word{9}}
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	ring, mailbox := bundle.NewRing(a), id.MailboxSecret().Mailbox(state.Word{5})
	if err := ring.AddMailbox(mailbox, id.MailboxSecret()); err != nil {
		t.Fatal(err)
	}
	w := &WatchFile{Anchor: a, Needs: []WatchNeed{{Need: 1, Keys: []state.Word{profile.Hash(dog.PublicKey())}}}}
	for _, name := range []string{"web", "db"} {
		content, err := (&bundle.Files{Version: 1, Name: name, Files: []bundle.File{{Path: "a", Mode: "0600", Content: bundle.Content("secret")}}}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		sent, err := ring.DeliverWatched(a, "gate-7", bundle.Outgoing{To: id.Recipient(), Mailbox: mailbox, From: 1, Until: 2e9, Purpose: bundle.PurposeFiles, Content: content, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		w.Deliveries = append(w.Deliveries, WatchedDelivery{To: "plant/gate-7", Statement: sent.Statement, Summary: sent.Summary})
		w.Groups = append(w.Groups, contracts.Group{Scope: mailbox, Changes: []contracts.Change{put(state.KindDelivery, sent.Entry, 1, 2e9)}})
	}
	ask(t, w, asker)
	return w
}

func ask(t testing.TB, w *WatchFile, asker ssh.Signer) {
	t.Helper()
	message, err := w.asks()
	if err != nil {
		t.Fatal(err)
	}
	if w.Asked, err = sshsig.Sign(asker, askNamespace, message); err != nil {
		t.Fatal(err)
	}
}

func watchText(t testing.TB, w *WatchFile) []byte {
	t.Helper()
	text, err := w.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWatchFile(t *testing.T) {
	dog := sshkey.New(t)
	w := aWatchFile(t, sshkey.New(t), dog)
	if err := w.Sign(dog); err != nil {
		t.Fatal(err)
	}
	text := watchText(t, w)
	got, err := ParseWatchFile(text)
	if err != nil || !bytes.Equal(watchText(t, got), text) || len(got.Signatures) != 1 {
		t.Fatalf("the same again: %v", err)
	}
	if strings.Contains(string(text), "c2VjcmV0") || strings.Contains(string(text), "secret") {
		t.Error("what is delivered stands in the file")
	}
	for name, altered := range map[string]string{
		"a field twice":       strings.Replace(string(text), `"version": 1,`, `"version": 1,`+"\n"+` "version": 1,`, 1),
		"an unknown field":    strings.Replace(string(text), `"version": 1,`, `"version": 1,`+"\n"+` "extra": 1,`, 1),
		"a field in capitals": strings.Replace(string(text), `"needs"`, `"Needs"`, 1),
		"another version":     strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"something after it":  string(text) + "{}",
		"no end of line":      strings.TrimSuffix(string(text), "\n"),
		"no signature there":  strings.Replace(string(text), `"signatures": [`, `"signatures": [null,`, 1),
		"too long":            string(text) + strings.Repeat(" ", MaxWatchFile),
	} {
		if altered == string(text) {
			t.Fatalf("%s: nothing was altered", name)
		}
		if _, err := ParseWatchFile([]byte(altered)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// What a watchdog is shown is what he signs, and what the asker sends is what he
// asked for: whoever carries the file can withhold it, no more.
func TestAttackWatchFile(t *testing.T) {
	asker, dog := sshkey.New(t), sshkey.New(t)
	for name, alter := range map[string]func(*WatchFile){
		"another recipient is shown":     func(w *WatchFile) { w.Deliveries[0].To = "plant/vault-1" },
		"a zone that steers a terminal":  func(w *WatchFile) { w.Deliveries[0].To = "\x1b[2Kplant/gate-7" },
		"a recipient of no zone":         func(w *WatchFile) { w.Deliveries[0].To = "gate-7" },
		"another name of the files":      func(w *WatchFile) { w.Deliveries[0].Statement.Name = "motd" },
		"another summary":                func(w *WatchFile) { w.Deliveries[0].Summary = w.Deliveries[1].Summary },
		"another organisation":           func(w *WatchFile) { w.Anchor.Org[0]++ },
		"one delivery twice":             func(w *WatchFile) { w.Deliveries[1] = w.Deliveries[0] },
		"no delivery":                    func(w *WatchFile) { w.Deliveries = nil },
		"a delivery without a statement": func(w *WatchFile) { w.Deliveries[0].Statement = nil },
		"a delivery without a summary":   func(w *WatchFile) { w.Deliveries[0].Summary = nil },
	} {
		// Even where it is the asker that lies.
		w := aWatchFile(t, asker, dog)
		alter(w)
		if w.Deliveries == nil || w.Deliveries[0].Statement != nil {
			ask(t, w, asker)
		}
		if err := w.check(); err == nil {
			t.Errorf("%s: it was taken", name)
		}
	}
	for name, alter := range map[string]func(*WatchFile){
		"a change put in":     func(w *WatchFile) { w.Groups = append(w.Groups, contracts.Group{Scope: w.Anchor.Org}) },
		"a change left out":   func(w *WatchFile) { w.Groups = w.Groups[1:] },
		"another entry":       func(w *WatchFile) { w.Groups[0].Changes[0].Until++ },
		"fewer are needed":    func(w *WatchFile) { w.Needs = nil },
		"others are needed":   func(w *WatchFile) { w.Needs[0].Keys[0][0]++ },
		"a delivery left out": func(w *WatchFile) { w.Deliveries = w.Deliveries[:1] },
	} {
		w := aWatchFile(t, asker, dog)
		alter(w)
		if err := w.check(); !errors.Is(err, sshsig.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
		ask(t, w, asker)
		if err := w.check(); err != nil {
			t.Errorf("twin of %s, asked for: %v", name, err)
		}
	}
	// A summary that nobody's content has: no device takes it, and it is shown as it is.
	evil := aWatchFile(t, asker, dog)
	evil.Deliveries[0].Summary.Files.Files[0].Path = "a\x1b[1A\x1b[2K"
	for _, lines := range evil.Show().Deliveries {
		if strings.ContainsRune(strings.Join(lines, ""), '\x1b') {
			t.Errorf("a terminal is steered: %q", lines)
		}
	}
	w := aWatchFile(t, asker, dog)
	if err := w.Sign(dog); err != nil {
		t.Fatal(err)
	}
	if err := w.Sign(dog); err != nil || len(w.Signatures) != 1 {
		t.Errorf("signed twice by one: %v, %d signatures", err, len(w.Signatures))
	}
	// Another use's signature, and another file's.
	message, err := w.Message()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := sshsig.Sign(dog, "file", message)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.add(bundle.SSHSignature{Signature: sig}); !errors.Is(err, bundle.ErrSignature) {
		t.Errorf("for another use: %v", err)
	}
	other := aWatchFile(t, asker, dog)
	if err := other.Unite(w); err == nil {
		t.Error("files of different deliveries were united")
	}
	if err := aWatchFile(t, asker, dog).add(w.Signatures[0]); err == nil {
		t.Error("another file's signature was taken")
	}
}

func FuzzWatchFile(f *testing.F) {
	dog := sshkey.New(f)
	w := aWatchFile(f, sshkey.New(f), dog)
	f.Add(watchText(f, w))
	if err := w.Sign(dog); err != nil {
		f.Fatal(err)
	}
	f.Add(watchText(f, w))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w, err := ParseWatchFile(b)
		if err != nil {
			return
		}
		if !bytes.Equal(watchText(t, w), b) {
			t.Errorf("another spelling was read: %q", b)
		}
		w.Show()
	})
}
