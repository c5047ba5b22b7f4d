package post

import (
	"bytes"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// keyOf is a chain key that follows from a byte.
func keyOf(t *testing.T, b byte) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.ToECDSA(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// council is an organisation with three guardians.
type council struct {
	*desk
	org       Organisation
	accounts  []Account
	guardians state.Guardians
	epoch     uint32
}

func newCouncil(t *testing.T) *council {
	t.Helper()
	d := newDesk(t, devchain.Options{})
	c := &council{desk: d, org: Organisation{Registry: d.chain.Registry(), Org: d.org}}
	for b := byte(1); b <= 3; b++ {
		c.accounts = append(c.accounts, account(keyOf(t, b)))
	}
	slices.SortFunc(c.accounts, func(a, b Account) int { return bytes.Compare(a.Address[:], b.Address[:]) })
	c.guardians = state.Guardians{Salt: random(), Timelock: state.MinTimelock, Needed: 2, Final: 3}
	for _, a := range c.accounts {
		c.guardians.Accounts = append(c.guardians.Accounts, a.Address)
	}
	c.send(c.write(contracts.SetGuardians(c.guardians)))
	return c
}

func (c *council) write(changes ...contracts.Change) Call {
	c.t.Helper()
	call, err := c.org.Write(c.admin, contracts.Group{Scope: c.desk.org, Changes: changes})
	if err != nil {
		c.t.Fatal(err)
	}
	return call
}

// guard is what the first `count` guardians sign.
func (c *council) guard(count int, change contracts.Change) Call {
	c.t.Helper()
	p := contracts.Proposal{Org: c.desk.org, Epoch: c.epoch, Nonce: random(), Deadline: c.chain.Time() + 3600,
		Groups: []contracts.Group{{Scope: c.desk.org, Changes: []contracts.Change{change}}}}
	digest, err := p.Digest(c.org.Registry)
	if err != nil {
		c.t.Fatal(err)
	}
	var consents []contracts.Consent
	for _, a := range c.accounts[:count] {
		signature, err := a.Sign(digest)
		if err != nil {
			c.t.Fatal(err)
		}
		if who, err := SignerOf(digest, signature); err != nil || who != a.Address {
			c.t.Fatalf("SignerOf = %v, %v, want %v", who, err, a.Address)
		}
		// In any order: the contract's is the packer's business.
		consents = append([]contracts.Consent{{Guardian: a.Address, Signature: signature}}, consents...)
	}
	call, err := c.org.WriteGuarded(p, c.guardians, consents)
	if err != nil {
		c.t.Fatal(err)
	}
	return call
}

// send estimates, posts, and holds the one against the other.
func (c *council) send(call Call) {
	c.t.Helper()
	e, err := c.client.Estimate(c.t.Context(), call)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := c.client.Post(c.t.Context(), call)
	if err != nil {
		c.t.Fatal(err)
	}
	// What clears storage is refunded a part at the end, which must be paid for until then: the estimate has it in.
	if off := float64(e.Gas)/float64(r.GasUsed) - 1; off < -0.02 || off > 0.1 {
		c.t.Errorf("estimated %d gas, used %d", e.Gas, r.GasUsed)
	}
}

// refused expects the contract's own reason, before anything is sent.
func (c *council) refused(call Call, name string) {
	c.t.Helper()
	_, err := c.client.Estimate(c.t.Context(), call)
	var refusal *contracts.Refusal
	if !errors.As(err, &refusal) || refusal.Name != name {
		c.t.Errorf("got %v, want %s", err, name)
	}
}

// The whole way on a real chain: frozen, vetoed, recovered by all.
func TestGuardians(t *testing.T) {
	c := newCouncil(t)
	grant := func(admin state.Admin) Call {
		call, err := c.org.Write(admin, contracts.Group{Scope: state.ZoneID(c.desk.org, state.Word{1}), Changes: []contracts.Change{c.put()}})
		if err != nil {
			t.Fatal(err)
		}
		return call
	}
	c.send(grant(c.admin))
	c.refused(c.guard(1, contracts.Freeze(c.chain.Time()+600)), "ApprovalsNeeded")
	c.send(c.guard(2, contracts.Freeze(c.chain.Time()+600)))
	c.refused(grant(c.admin), "Frozen")

	recovery := state.Recovery{Salt: random(), Threshold: 1, Roots: []state.Address{c.accounts[0].Address}}
	c.send(c.guard(2, contracts.Recover(recovery)))
	c.send(c.write(contracts.VetoRecovery(recovery.ID())))
	c.refused(c.guard(2, contracts.Recover(recovery)), "ApprovalsNeeded")
	c.send(c.guard(3, contracts.Recover(recovery)))
	c.refused(c.write(contracts.VetoRecovery(recovery.ID())), "NotVetoable")
	complete, err := c.org.CompleteRecovery(c.guardians, recovery)
	if err != nil {
		t.Fatal(err)
	}
	c.refused(complete, "TooEarly")
	if err := c.chain.AdjustTime(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	c.send(grant(c.admin))
	c.send(complete)
	c.refused(grant(c.admin), "NotAdmin")
}

func TestOrganisationRefusesForeignProposals(t *testing.T) {
	o := Organisation{Org: state.Word{1}}
	p := contracts.Proposal{Org: state.Word{2}}
	if _, err := o.WriteApproved(p, nil); !errors.Is(err, contracts.ErrChange) {
		t.Errorf("WriteApproved: %v", err)
	}
	if _, err := o.WriteGuarded(p, state.Guardians{}, nil); !errors.Is(err, contracts.ErrChange) {
		t.Errorf("WriteGuarded: %v", err)
	}
	p.Org = o.Org
	if _, err := o.WriteApproved(p, nil); err != nil {
		t.Errorf("its own: %v", err)
	}
	stranger := []contracts.Consent{{Guardian: state.Address{1}}}
	if _, err := o.WriteGuarded(p, state.Guardians{}, stranger); !errors.Is(err, contracts.ErrChange) {
		t.Errorf("a stranger's consent: %v", err)
	}
}

func TestSignatures(t *testing.T) {
	a, digest := account(keyOf(t, 1)), random()
	good, err := a.Sign(digest)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := SignerOf(digest, good); err != nil || who != a.Address {
		t.Fatalf("SignerOf = %v, %v", who, err)
	}
	if who, err := SignerOf(random(), good); err == nil && who == a.Address {
		t.Error("of another digest")
	}
	high := slices.Clone(good)
	new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(good[32:64])).FillBytes(high[32:64])
	high[64] = 27 + 28 - good[64]
	for name, bad := range map[string][]byte{
		"short": good[:64], "long": append(slices.Clone(good), 0), "v of 0": append(slices.Clone(good[:64]), good[64]-27),
		"high s": high, "zero": make([]byte, 65), "none": nil,
	} {
		if _, err := SignerOf(digest, bad); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v, want ErrSignature", name, err)
		}
	}
	wrong := a
	wrong.Address = state.Address{1}
	if _, err := wrong.Sign(digest); !errors.Is(err, ErrSigner) {
		t.Errorf("another account's key: %v, want ErrSigner", err)
	}
}

// FuzzSignerOf: signatures come in proposal files.
func FuzzSignerOf(f *testing.F) {
	f.Add(make([]byte, 65))
	f.Add(bytes.Repeat([]byte{27}, 65))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, signature []byte) {
		if who, err := SignerOf(state.Word{1}, signature); (err == nil) == who.IsZero() {
			t.Errorf("%x: %v, %v", signature, who, err)
		}
	})
}
