package admin

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/sshsig"
	"dpki/state"
)

// MaxWatchFile bounds the file, in bytes: fifty deliveries of 256 files each fit.
const MaxWatchFile = 4 << 20

// askNamespace is that of the asker's own signature over a watch file.
const askNamespace = "dpki-watch-ask"

// WatchFile is deliveries that wait for watchdogs, as a file: what each would
// bring, and the changes that announce them. Nothing in it is secret to a
// watchdog, and no private key is in it. The asker has signed all of it but the
// watchdogs' signatures, so that the file may come back by any way: he sends
// nothing that he did not put in.
type WatchFile struct {
	Anchor     anchor.Anchor
	Needs      []WatchNeed
	Deliveries []WatchedDelivery // 1 to bundle.MaxStatements
	Groups     []contracts.Group // what announces them, and what goes with it
	Asked      *sshsig.Signature // by the asker's identity
	Signatures []bundle.SSHSignature

	comparable bool // its deliveries bring their salts
}

// WatchNeed is one demand that the deliveries have to meet.
type WatchNeed struct {
	Need int          `json:"need"`
	Keys []state.Word `json:"keys"` // sha-256 of the watchdogs' public keys
}

// WatchedDelivery is one delivery as a watchdog is shown it.
type WatchedDelivery struct {
	To        string            `json:"to"` // ZONE/NAME; of these the name is signed
	Statement *bundle.Statement `json:"statement"`
	Summary   *bundle.Summary   `json:"summary"`
	Salt      *state.Word       `json:"salt,omitempty"` // for comparing files
}

type watchFile struct {
	Version    int                   `json:"version"`
	Anchor     anchor.Anchor         `json:"anchor"`
	Needs      []WatchNeed           `json:"needs"`
	Deliveries []WatchedDelivery     `json:"deliveries"`
	Groups     []groupFile           `json:"groups"`
	Asked      string                `json:"asked"` // armor, as ssh-keygen -Y has it
	Signatures []bundle.SSHSignature `json:"signatures"`
}

// Marshal writes the file: JSON, indented by one space, every field, in this order
// (docs/formats.md, "Watchdogs").
func (w *WatchFile) Marshal() ([]byte, error) {
	f := w.form()
	if w.Asked != nil {
		f.Asked = string(w.Asked.Armor())
	}
	f.Signatures = append(f.Signatures, w.Signatures...)
	b, err := json.MarshalIndent(f, "", " ")
	if err == nil && len(b) >= MaxWatchFile {
		err = problem(Failed, "deliver to fewer at once", "the deliveries do not fit into one file")
	}
	return append(b, '\n'), err
}

// form is the file without any signature.
func (w *WatchFile) form() *watchFile {
	return &watchFile{Version: 1, Anchor: w.Anchor, Needs: w.Needs, Deliveries: w.Deliveries, Groups: groupsFile(w.Groups), Signatures: []bundle.SSHSignature{}}
}

// asks is what the asker signs: the file without any signature.
func (w *WatchFile) asks() ([]byte, error) { return json.Marshal(w.form()) }

// Digests are those of the statements, in the order in which they are signed.
func (w *WatchFile) Digests() []state.Word {
	var list []state.Word
	for _, d := range w.Deliveries {
		list = append(list, d.Statement.Digest())
	}
	slices.SortFunc(list, func(a, b state.Word) int { return bytes.Compare(a[:], b[:]) })
	return list
}

// Message is what a watchdog signs.
func (w *WatchFile) Message() ([]byte, error) { return bundle.WatchMessage(w.Digests()) }

// ParseWatchFile reads what Marshal writes, to the byte, and nothing else, and
// verifies every signature in it.
func ParseWatchFile(b []byte) (*WatchFile, error) {
	w, err := parseWatchFile(b)
	return w, because(err, Usage, "ask for the file again, as dpki deliver wrote it", "this is no file for watchdogs")
}

func parseWatchFile(b []byte) (*WatchFile, error) {
	var f watchFile
	if len(b) > MaxWatchFile {
		return nil, problem(Usage, "at most 4 MiB", "the file is too long")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, err
	}
	w := &WatchFile{Anchor: f.Anchor, Needs: f.Needs, Deliveries: f.Deliveries, Signatures: f.Signatures}
	for _, of := range f.Groups {
		g, err := of.group()
		if err != nil {
			return nil, err
		}
		w.Groups = append(w.Groups, g)
	}
	var err error
	if w.Asked, err = sshsig.ParseArmored([]byte(f.Asked)); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	// One spelling: no field twice, none left out, nothing after the end.
	if again, err := w.Marshal(); err != nil || f.Version != 1 || !bytes.Equal(again, b) {
		return nil, problem(Usage, "ask for the file again, as dpki deliver wrote it", "the file was edited, or has another version")
	}
	return w, nil
}

// check: what is shown is what is signed, and every signature is whole.
func (w *WatchFile) check() error {
	if len(w.Deliveries) == 0 || len(w.Deliveries) > bundle.MaxStatements || len(w.Needs) > 2*bundle.MaxStatements {
		return problem(Usage, "one file has at most 64 deliveries", "%d deliveries, %d demands", len(w.Deliveries), len(w.Needs))
	}
	for _, d := range w.Deliveries {
		if d.Statement == nil || d.Summary == nil || d.Statement.Anchor != w.Anchor {
			return problem(Usage, "", "a delivery of another organisation, or of none")
		}
		if err := d.Statement.Describes(d.Summary); err != nil {
			return err
		}
		// What a terminal could take for a command would show something else than is signed.
		zone, name, _ := strings.Cut(d.To, "/")
		if !state.ValidName(zone) || !state.ValidName(name) || name != d.Statement.Recipient {
			return problem(Usage, "", "a delivery to %.80q, signed for %.80q", d.To, d.Statement.Recipient)
		}
	}
	message, err := w.asks()
	if err != nil {
		return err
	}
	if err := w.Asked.Verify(askNamespace, message); err != nil {
		return err
	}
	if len(w.Signatures) == 0 {
		_, err := w.Message() // its digests are in order, none twice
		return err
	}
	return (&bundle.Signatures{Version: 1, Statements: w.Digests(), Signatures: w.Signatures}).Check()
}

// signedBy reports whether the watchdog with this key hash has signed.
func (w *WatchFile) signedBy(key state.Word) bool {
	return slices.ContainsFunc(w.Signatures, func(s bundle.SSHSignature) bool { return s.Key.Hash == key })
}

// Sign adds a watchdog's signature, in place of one that it has made before.
func (w *WatchFile) Sign(s ssh.Signer) error {
	message, err := w.Message()
	if err != nil {
		return err
	}
	sig, err := sshsig.Sign(s, bundle.WatchNamespace, message)
	if err != nil {
		return err
	}
	return w.add(bundle.SSHSignature{Signature: sig})
}

func (w *WatchFile) add(sig bundle.SSHSignature) error {
	w.Signatures = slices.DeleteFunc(slices.Clone(w.Signatures), func(old bundle.SSHSignature) bool { return old.Key.Hash == sig.Key.Hash })
	w.Signatures = append(w.Signatures, sig)
	slices.SortFunc(w.Signatures, func(a, b bundle.SSHSignature) int { return bytes.Compare(a.Key.Hash[:], b.Key.Hash[:]) })
	return w.check()
}

// Unite takes the signatures of copies of one file together.
func (w *WatchFile) Unite(copies ...*WatchFile) error {
	for _, c := range copies {
		if !slices.Equal(c.Digests(), w.Digests()) {
			return problem(Failed, "submit one at a time", "the files are of different deliveries")
		}
		for _, s := range c.Signatures {
			if err := w.add(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// WatchShown is a file for watchdogs as it is shown to one.
type WatchShown struct {
	Anchor     string     `json:"anchor"`
	Asker      string     `json:"asked_by"` // fingerprint of his identity
	Needs      []Demand   `json:"needs"`
	Signed     []string   `json:"signed"`     // fingerprints
	Deliveries [][]string `json:"deliveries"` // in words
	Compared   []string   `json:"compared,omitempty"`
}

// Show says what is in the file.
func (w *WatchFile) Show() *WatchShown {
	shown := &WatchShown{Anchor: w.Anchor.String(), Asker: ssh.FingerprintSHA256(w.Asked.Key.Public), Needs: []Demand{}, Signed: []string{}}
	for _, n := range w.Needs {
		d := Demand{Need: n.Need}
		for _, k := range n.Keys {
			d.Watchdogs = append(d.Watchdogs, fingerprintText(k))
		}
		shown.Needs = append(shown.Needs, d)
	}
	for _, s := range w.Signatures {
		shown.Signed = append(shown.Signed, fingerprintText(s.Key.Hash))
	}
	for _, d := range w.Deliveries {
		lines := watchWords(d)
		for i := range lines {
			lines[i] = strings.Map(printed, lines[i])
		}
		shown.Deliveries = append(shown.Deliveries, lines)
	}
	return shown
}

// printed keeps what the asker wrote from steering a terminal.
func printed(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}

// Asks reports whether a key is one that must or may sign.
func (s *WatchShown) Asks(key ssh.PublicKey) bool {
	return slices.ContainsFunc(s.Needs, func(d Demand) bool { return slices.Contains(d.Watchdogs, ssh.FingerprintSHA256(key)) })
}
