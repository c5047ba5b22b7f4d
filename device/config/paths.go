package config

import "path/filepath"

// Paths are where a device keeps its things.
type Paths struct {
	Etc    string // configuration; root's, readable by all
	State  string // identity and journal; root's, searchable by all for the list of denied keys
	Run    string // sockets
	Helper string // the program that sshd runs
}

// System are the paths of an installed dpkid.
func System() Paths {
	return Paths{Etc: "/etc/dpki", State: "/var/lib/dpki", Run: "/run/dpki", Helper: "/usr/lib/dpki/dpki-authkeys"}
}

// Config is the configuration file.
func (p Paths) Config() string { return filepath.Join(p.Etc, "dpkid.toml") }

// Network is the network file that enrolment was given.
func (p Paths) Network() string { return filepath.Join(p.Etc, "network.toml") }

// BreakGlass is the folder of break-glass keys.
func (p Paths) BreakGlass() string { return filepath.Join(p.Etc, "breakglass.d") }

// Identity holds the device's private keys.
func (p Paths) Identity() string { return filepath.Join(p.State, "identity") }

// Journal holds what was verified.
func (p Paths) Journal() string { return filepath.Join(p.State, "journal") }

// Successor is the journal of the organisation that this one goes on as, until
// the device has moved there.
func (p Paths) Successor() string { return filepath.Join(p.State, "successor") }

// Moving is there while the device moves to a successor.
func (p Paths) Moving() string { return filepath.Join(p.State, "moving") }

// Request is the enrolment request, confidential.
func (p Paths) Request() string { return filepath.Join(p.State, "request.json") }

// Denied is the list of denied keys for the helper.
func (p Paths) Denied() string { return filepath.Join(p.State, "denied") }

// Deliveries is the ledger of what was delivered and installed.
func (p Paths) Deliveries() string { return filepath.Join(p.State, "deliveries") }

// Authkeys is the helper's socket.
func (p Paths) Authkeys() string { return filepath.Join(p.Run, "authkeys.sock") }

// Control is root's socket.
func (p Paths) Control() string { return filepath.Join(p.Run, "control.sock") }

// PAM is the module's socket.
func (p Paths) PAM() string { return filepath.Join(p.Run, "pam.sock") }

// Sessions is the register of live sessions. A reboot ends them and it.
func (p Paths) Sessions() string { return filepath.Join(p.Run, "sessions.json") }
