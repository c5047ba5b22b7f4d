package device

import (
	"context"

	"dpki/bundle"
	"dpki/state"
)

// Material is a delivery that was fetched, opened, and compared with what its
// entry committed to.
type Material struct {
	Fact    state.DeliveryFact
	Content []byte     // of the purpose that Fact names
	Device  state.Word // this device
	Now     uint64     // verified, Unix seconds
	// Trusted reports whether the zone trusts the CA with this hash now.
	Trusted func(ca state.Word, kind state.Kind) bool
}

// Delivered is what became of a delivery. The name is the sender's; nothing here
// is secret.
type Delivered struct {
	Subject state.Word `json:"subject"`
	Purpose string     `json:"purpose"`
	Name    string     `json:"name,omitempty"`
	Seq     uint64     `json:"seq"`             // in the mailbox
	Time    uint64     `json:"time"`            // Unix seconds
	Until   uint64     `json:"until,omitempty"` // of its entry, which is announced no more then
	Result  string     `json:"result"`          // bundle.Applied, Superseded, or why it is refused for good
}

// Superseded is the result of a delivery that a later one has replaced.
const Superseded = "superseded"

// What a delivery becomes whose entry was revoked: keys, certificates and CAs are
// taken away, files are left where they are, for something may need them.
const (
	Revoked     = "revoked"
	RevokedLeft = "revoked; its files are left"
)

// OK reports whether nothing is wrong with it.
func (d *Delivered) OK() bool {
	return d.Result == bundle.Applied || d.Result == Superseded || d.Result == Revoked || d.Result == RevokedLeft
}

// Applier installs what deliveries bring, on the root side. It remembers across
// restarts and crashes what it has done. Its methods are called by one goroutine
// at a time, but Settled and All, which any may call.
type Applier interface {
	// Apply installs a material, or refuses it for good: either is settled, and it
	// is not asked again. An error says why it could not be done now.
	Apply(ctx context.Context, m Material) (Delivered, error)
	// Settle remembers a delivery that is not to be installed: superseded, or
	// refused for good.
	Settle(d Delivered) error
	// Renew does what time alone brings: the next host certificate. trusted is as
	// in Material.
	Renew(ctx context.Context, now uint64, trusted func(state.Word, state.Kind) bool) error
	// Withdraw takes away what a revoked delivery brought that is in force, and
	// settles it as Revoked or RevokedLeft.
	Withdraw(ctx context.Context, subject state.Word, now uint64) (Delivered, error)
	// Due is when Renew is to be called, Unix seconds; 0 = never.
	Due() uint64
	Settled(subject state.Word) bool
	All() []Delivered
}
