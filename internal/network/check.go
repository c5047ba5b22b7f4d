package network

import (
	"encoding/hex"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"dpki/state"
)

const maxURL = 1024

// maxChainID keeps chain ids within what every wallet and a TOML integer hold.
const maxChainID = 1<<63 - 1

func (raw *file) check() (File, error) {
	switch {
	case raw.Version == nil || *raw.Version != Version:
		return File{}, invalid("version must be %d", Version)
	case raw.ContractVersion == nil || *raw.ContractVersion != ContractVersion:
		return File{}, invalid("contract_version must be %d", ContractVersion)
	case !state.ValidName(raw.Name):
		return File{}, invalid("name %q: want 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", raw.Name)
	case raw.ChainID == 0 || raw.ChainID > maxChainID:
		return File{}, invalid("chain_id %d", raw.ChainID)
	case len(raw.Endpoints) > MaxPlaces || len(raw.Mirrors) > MaxPlaces || len(raw.Stores) > MaxPlaces:
		return File{}, invalid("more than %d endpoints, mirrors or stores", MaxPlaces)
	}
	f := File{Name: raw.Name, ChainID: raw.ChainID, DeployBlock: raw.DeployBlock, Agree: 1, FeeModel: FeeModel(raw.FeeModel)}
	if raw.Agree != nil {
		f.Agree = *raw.Agree
	}
	mirrored := min(1, len(raw.Mirrors)) // all of them together are one voice
	if f.Agree < 1 || f.Agree > max(1, len(raw.Endpoints)+mirrored) {
		return File{}, invalid("agree is %d with %d endpoints", f.Agree, len(raw.Endpoints))
	}
	if !slices.Contains([]FeeModel{EIP1559, OPStack, Legacy}, f.FeeModel) {
		return File{}, invalid("fee_model %q: want %q, %q or %q", raw.FeeModel, EIP1559, OPStack, Legacy)
	}
	var err error
	if f.Contract, err = parseAddress(raw.Contract); err != nil {
		return File{}, err
	}
	if f.Endpoints, err = places("endpoint", raw.Endpoints, "http", "https", "ws", "wss"); err != nil {
		return File{}, err
	}
	if voices := voicesOf(f.Endpoints) + mirrored; f.Agree > max(1, voices) {
		return File{}, invalid("agree is %d with %d hosts: two ways to one host are one word, and so are all mirrors together", f.Agree, voices)
	}
	if f.Mirrors, err = places("mirror", raw.Mirrors, "http", "https"); err != nil {
		return File{}, err
	}
	for _, s := range raw.Stores {
		checked, err := s.check()
		if err != nil {
			return File{}, err
		}
		f.Stores = append(f.Stores, checked)
	}
	if err := raw.checkWitnesses(&f); err != nil {
		return File{}, err
	}
	return f, nil
}

func (s store) check() (Store, error) {
	t := StoreType(s.Type)
	switch t {
	case Folder:
		if s.URL != "" || !filepath.IsAbs(s.Path) || len(s.Path) > maxURL {
			return Store{}, invalid("a store of type %q has an absolute path and no url", s.Type)
		}
	case Gateway, Kubo, Sandbox, Pinning:
		if s.Path != "" {
			return Store{}, invalid("a store of type %q has a url and no path", s.Type)
		}
		if err := checkURL("store", s.URL, "http", "https"); err != nil {
			return Store{}, err
		}
	default:
		return Store{}, invalid("store type %q: want %q, %q, %q, %q or %q", s.Type, Folder, Gateway, Kubo, Pinning, Sandbox)
	}
	return Store{Type: t, URL: s.URL, Path: s.Path}, nil
}

func places(what string, raw []place, schemes ...string) ([]string, error) {
	var urls []string
	for _, p := range raw {
		if err := checkURL(what, p.URL, schemes...); err != nil {
			return nil, err
		}
		// The same endpoint twice would count as two where k must agree.
		if slices.Contains(urls, p.URL) {
			return nil, invalid("%s %q is listed twice", what, p.URL)
		}
		urls = append(urls, p.URL)
	}
	return urls, nil
}

func checkURL(what, s string, schemes ...string) error {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Host == "" || u.Fragment != "" || u.Opaque != "" || !slices.Contains(schemes, u.Scheme) {
		return invalid("%s url %q: want %s://...", what, s, strings.Join(schemes, ":// or "))
	}
	return nil
}

// parseAddress accepts 0x and 40 hex digits, all lower case or with the mixed
// case checksum of EIP-55.
func parseAddress(s string) (state.Address, error) {
	a, err := state.ParseAddress(strings.ToLower(s))
	if err != nil || a.IsZero() || !strings.HasPrefix(s, "0x") {
		return state.Address{}, invalid("contract %q: want 0x and 40 hex digits", s)
	}
	if s != a.String() && s != checksummed(a) {
		return state.Address{}, invalid("contract %q: its EIP-55 checksum is wrong: copy it again", s)
	}
	return a, nil
}

// checksummed is the EIP-55 form: a letter is upper case where the digit of the
// hash of the lower-case form is 8 or more.
func checksummed(a state.Address) string {
	digits := []byte(hex.EncodeToString(a[:]))
	hash := state.Keccak256(digits)
	nibbles := hex.EncodeToString(hash[:])
	for i, c := range digits {
		if c >= 'a' && nibbles[i] >= '8' {
			digits[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(digits)
}
