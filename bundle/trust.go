package bundle

import (
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// maxTrusted is how many CAs one bundle names: the present one, its successor,
// and room.
const maxTrusted = 8

// Uses of a CA.
const (
	ForUsers = "user"
	ForHosts = "host"
)

// Trust is the content of purpose 5: CAs to believe, for programs beside dpki's
// own. The log names them by hash alone; this brings the keys.
type Trust struct {
	Version int         `json:"version"` // 1
	Name    string      `json:"name"`    // of the file, state.ValidName
	Use     string      `json:"use"`     // ForUsers or ForHosts
	CAs     []TrustedCA `json:"cas"`     // 1 to 8
}

// TrustedCA is one CA and the entry by which the organisation trusts it.
type TrustedCA struct {
	Key       string    `json:"key"` // "TYPE BASE64"
	Authority Authority `json:"authority"`
}

// Marshal checks and encodes the content.
func (t *Trust) Marshal() ([]byte, error) {
	if _, err := t.Keys(); err != nil {
		return nil, err
	}
	return marshalContent(t)
}

// ParseTrust decodes the content of a bundle with purpose 5.
func ParseTrust(b []byte) (*Trust, error) {
	t := &Trust{}
	if err := decodeStrict(b, MaxContent, t); err != nil {
		return nil, fmt.Errorf("CA: %w", err)
	}
	if _, err := t.Keys(); err != nil {
		return nil, err
	}
	return t, nil
}

// Keys are the CAs' keys, checked.
func (t *Trust) Keys() ([]ssh.PublicKey, error) {
	switch {
	case t.Version != 1:
		return nil, malformed("CA of version %d", t.Version)
	case !state.ValidName(t.Name):
		return nil, malformed("CA: name %.80q", t.Name)
	case t.Use != ForUsers && t.Use != ForHosts:
		return nil, malformed("CA: use %.40q", t.Use)
	case len(t.CAs) == 0 || len(t.CAs) > maxTrusted:
		return nil, malformed("%d CAs", len(t.CAs))
	}
	seen := map[state.Word]bool{}
	var keys []ssh.PublicKey
	for _, ca := range t.CAs {
		if err := ca.Authority.check(); err != nil {
			return nil, err
		}
		k, err := parseKeyText(ca.Key)
		if err != nil {
			return nil, err
		}
		if k.Cert != nil || seen[profile.Hash(k.Public)] {
			return nil, malformed("a CA that is a certificate, or stands there twice")
		}
		seen[profile.Hash(k.Public)] = true
		keys = append(keys, k.Public)
	}
	return keys, nil
}

// Kind is the kind of the entries that announce these CAs.
func (t *Trust) Kind() state.Kind {
	if t.Use == ForHosts {
		return state.KindCAHost
	}
	return state.KindCAUser
}
