package chainkey

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"

	"dpki/admin/home"
	"dpki/state"
)

// Errors of signers elsewhere.
var (
	ErrExternal = errors.New("the key is with an external signer")
	ErrURL      = errors.New("not a signer on this machine: want unix:/PATH, http://127.0.0.1:PORT or the word ledger: alone")
)

// External says where an account's key is, if not in a file: with a program that
// speaks clef's protocol on this machine, or in a Ledger.
//
//	{"version":1,"signer":"unix:/PATH" | "http://127.0.0.1:PORT" | "ledger:","address":"0x..."}
//
// It takes the place of the keystore file. Nothing in it is secret.
type External struct {
	URL     string
	Address state.Address
}

// LedgerURL is the one URL of a Ledger.
const LedgerURL = "ledger:"

type externalFile struct {
	Version int           `json:"version"`
	Signer  string        `json:"signer"`
	Address state.Address `json:"address"`
}

// Check refuses what is not on this machine: to a signer elsewhere anybody
// between could show something else to sign.
func (e External) Check() error {
	if e.Address.IsZero() {
		return fmt.Errorf("%w: no account", ErrFormat)
	}
	if e.URL == LedgerURL {
		return nil
	}
	if path, ok := strings.CutPrefix(e.URL, "unix:"); ok {
		if !filepath.IsAbs(path) || filepath.Clean(path) != path {
			return fmt.Errorf("%w: %.100q", ErrURL, e.URL)
		}
		return nil
	}
	u, err := url.Parse(e.URL)
	if err != nil || u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" || u.Port() == "" {
		return fmt.Errorf("%w: %.100q", ErrURL, e.URL)
	}
	if a, err := netip.ParseAddr(u.Hostname()); err != nil || !a.IsLoopback() { // a name would be looked up elsewhere
		return fmt.Errorf("%w: %.100q", ErrURL, e.URL)
	}
	return nil
}

// Refer writes down that the key is elsewhere. path must not exist.
func Refer(path string, e External) error {
	if err := e.Check(); err != nil {
		return err
	}
	b, err := json.Marshal(externalFile{1, e.URL, e.Address})
	if err != nil {
		return err
	}
	return home.Create(path, append(b, '\n'))
}

// Where reads who signs for the account of a key file. The zero External means
// that the key is in the file.
func Where(path string) (External, error) {
	text, err := read(path)
	if err != nil {
		return External{}, err
	}
	if _, err := keystoreAddress(text); err == nil {
		return External{}, nil
	}
	return parseExternal(text)
}

func parseExternal(text []byte) (External, error) {
	var f externalFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil || f.Version != 1 {
		return External{}, ErrFormat
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return External{}, ErrFormat
	}
	e := External{f.Signer, f.Address}
	return e, e.Check()
}
