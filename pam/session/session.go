package session

import (
	"dpki/authkeys"
	"dpki/pam/cgroup"
	"dpki/pam/proc"
	"dpki/state"
)

// Session is one login. It is what the register's file holds, and what `dpkid sessions` shows but for Key.
type Session struct {
	Monitor proc.Process `json:"monitor"`
	Group   cgroup.Group `json:"group,omitzero"` // none: the lesser form
	Account string       `json:"account"`
	Service string       `json:"service"`
	Remote  string       `json:"remote,omitempty"`
	Opened  uint64       `json:"opened"`
	Alone   bool         `json:"alone,omitempty"` // sshd did not ask PAM: nobody says that it closes the session

	KeyType string           `json:"key_type"`
	Key     string           `json:"key"` // base64: the credential that logged in, certificate or plain key
	Hash    state.Word       `json:"hash"`
	CA      state.Word       `json:"ca"`
	Grant   state.Word       `json:"grant"`
	Mode    state.LoginModes `json:"mode"`

	// Superuser is authkeys.Request's: set for Extent by who asks it.
	Superuser bool `json:"-"`

	// Until is the end as it was last known; it moves when a grant is added or revoked.
	Until uint64 `json:"until"`
}

// Form says what holds the session's processes together.
func (s Session) Form() string {
	switch {
	case s.Group.IsZero():
		return "monitor"
	case cgroup.IsScope(s.Group):
		return "scope"
	}
	return "group"
}

// Fingerprint is that of the key, as ssh-keygen -l shows it.
func (s Session) Fingerprint() string { return authkeys.Decision{Key: s.Hash}.Fingerprint() }
