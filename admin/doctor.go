package admin

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dpki/admin/chainkey"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/registry/post"
	"dpki/state"
)

// CheckStanding is how one check of doctor ended.
type CheckStanding string

// Standings of checks.
const (
	Good CheckStanding = "ok"
	Warn CheckStanding = "warn"
	Bad  CheckStanding = "bad"
)

// Check is one thing that doctor looked at.
type Check struct {
	What     string        `json:"what"`
	Standing CheckStanding `json:"standing"`
	Text     string        `json:"text"`
	Hint     string        `json:"hint,omitempty"`
}

// CheckOf turns an outcome into a check.
func CheckOf(what string, err error) Check {
	if err == nil {
		return Check{What: what, Standing: Good, Text: "fine"}
	}
	c := Check{What: what, Standing: Bad, Text: OneLine(err)}
	var p *Problem
	if errors.As(err, &p) {
		c.Hint = p.Hint
	}
	return c
}

// CheckHome looks at an administrator's folders and keys, without the network.
func CheckHome(h home.Home) []Check {
	checks := []Check{CheckOf("folder "+h.Config(), h.Check())}
	_, err := bundle.LoadIdentity(h.Identity())
	if err != nil {
		_, err = LoadIdentity(h)
	}
	checks = append(checks, CheckOf("identity", err))
	account, err := chainkey.Address(h.ChainKey())
	c := CheckOf("chain key", keyProblem(err, h))
	if err == nil {
		c.Text = "account " + account.String()
	}
	return append(checks, c)
}

// CheckUp looks at the organisation: what would stop the next grant, and what
// is weaker than it could be.
func (d *Desk) CheckUp(ctx context.Context) []Check {
	trust := Check{What: "trust", Standing: Good, Text: TrustText(d.Network)}
	if d.Network.Agree <= 1 && d.Network.WitnessAgree == 0 {
		trust.Standing, trust.Hint = Warn, "name several endpoints of different operators and set agree in the network file; or run witnesses: dpki witness"
	}
	checks := []Check{trust}
	if err := d.open(ctx); err != nil {
		return append(checks, CheckOf("chain", err))
	}
	checks = append(checks, Check{What: "chain", Standing: Good, Text: fmt.Sprintf("block %d of %s", d.Ledger.Head().Number, Time(d.Ledger.Head().Time))})
	_, err := d.now()
	checks = append(checks, CheckOf("clock", err), d.checkPower(), CheckOf("keys", d.member(ctx)))
	if c, ok := d.checkBalance(ctx); ok {
		checks = append(checks, c)
	}
	if zones := d.zones(); len(zones) == 0 {
		checks = append(checks, Check{What: "zones", Standing: Warn, Text: "there is none yet", Hint: "dpki zone create NAME"})
	} else {
		for _, z := range zones {
			checks = append(checks, d.checkZone(z)...)
			checks = append(checks, d.checkLapses(ctx, z)...)
			checks = append(checks, d.checkTorn(z)...)
		}
	}
	return append(checks, d.checkStores(ctx))
}

func (d *Desk) checkPower() Check {
	now := uint64(d.Now().Unix())
	roots := 0
	for _, a := range d.admins(now) {
		if a.Flags&state.AdminRoot != 0 {
			roots++
		}
	}
	for _, a := range d.admins(now) {
		if a.Account != d.Account {
			continue
		}
		c := Check{What: "power", Standing: Good, Text: "this account is an administrator"}
		if roots == 1 {
			c.Standing, c.Text = Warn, "there is one root administrator: a lost or stolen key ends or owns the organisation"
			c.Hint = "name another: dpki admin add ACCOUNT --root --member FILE; and guardians: dpki guardian set ACCOUNT..."
		}
		return c
	}
	return Check{What: "power", Standing: Bad, Text: "account " + d.Account.String() + " is not an administrator", Hint: "ask one to add it"}
}

// lowBalance is when to say that money runs out, in writes of a grant's size.
const lowBalance = 20

// checkBalance estimates a write that changes nothing: the revocation of a
// grant that never was.
func (d *Desk) checkBalance(ctx context.Context) (Check, bool) {
	who, err := d.authority(nil)
	if err != nil {
		return Check{}, false
	}
	data, err := contracts.PackWrite(d.Anchor.Org, who, []contracts.Group{{
		Scope: d.Anchor.Org, Changes: []contracts.Change{revoke(state.KindBatch, state.Word{1})},
	}})
	if err != nil {
		return Check{}, false
	}
	e, err := d.Poster.Estimate(ctx, post.Call{To: d.Anchor.Registry.Contract, Data: data, CodeHash: code.Hash()})
	if err != nil {
		return CheckOf("balance", postProblem(err)), true
	}
	c := Check{What: "balance", Standing: Good, Text: Ether(e.Balance) + " ETH; a revocation costs about " + Ether(e.Fee) + " ETH"}
	if e.MaxFee != nil && e.Balance.Cmp(new(big.Int).Mul(e.MaxFee, big.NewInt(lowBalance))) < 0 {
		c.Standing, c.Hint = Warn, "send some to "+d.Account.String()
	}
	return c, true
}

// renewal is how long before its end doctor speaks of a CA or policy.
const renewal = 30 * 24 * time.Hour

func (d *Desk) checkZone(z bundle.RosterZone) []Check {
	now := uint64(d.Now().Unix())
	view := d.view(z.Zone, state.Word{})
	policy := view.Policy(now)
	var checks []Check
	if policy.Modes&state.ModeCertificateOnly != 0 {
		checks = append(checks, Check{What: "zone " + z.Name, Standing: Warn, Text: "certificates let in without a grant: whoever has the CA's key is in",
			Hint: "dpki zone policy " + z.Name + " --mode certificate-and-grant"})
	}
	if _, unreadable := view.Unreadable(now); unreadable {
		checks = append(checks, Check{What: "zone " + z.Name, Standing: Bad, Text: "a restriction cannot be read: every login is refused",
			Hint: "dpki log " + z.Name + " shows it; dpki revoke ID lifts it"})
	}
	live, until, here := 0, uint64(0), false
	for _, ca := range d.cas() {
		if ca.Scope == z.Zone && ca.Kind == state.KindCAUser && ca.standing == state.Live {
			live, until = live+1, max(until, ca.Until)
			here = here || d.whereKey(ca.CA.Key) != ""
		}
	}
	c := Check{What: "zone " + z.Name, Standing: Good, Text: fmt.Sprintf("live CAs: %d, until %s", live, Time(until))}
	switch {
	case live == 0:
		c.Standing, c.Text, c.Hint = Warn, "no live CA: grants need one", "dpki ca create LABEL --zone "+z.Name
	case !here:
		c.Standing, c.Text, c.Hint = Warn, "the key of no live CA is here", "grant from the machine that has it, or dpki ca create LABEL --zone "+z.Name
	case until < now+uint64(renewal/time.Second):
		c.Standing, c.Hint = Warn, "make its successor: dpki ca create LABEL --zone "+z.Name
	}
	return append(checks, c)
}

func (d *Desk) checkStores(ctx context.Context) Check {
	r, err := d.StoreCheck(ctx, StoreChecking{})
	if err != nil {
		return CheckOf("stores", err)
	}
	c := Check{What: "stores", Standing: Good, Text: fmt.Sprintf("%d blocks served", r.Blocks)}
	switch {
	case len(r.Missing) > 0 || r.Unknown > 0:
		c.Standing, c.Text, c.Hint = Bad, fmt.Sprintf("%d of %d blocks are served by nobody", len(r.Missing), r.Blocks), "dpki store check"
	case len(r.Partial) > 0:
		c.Standing, c.Text, c.Hint = Warn, fmt.Sprintf("%d of %d blocks are not in every store", len(r.Partial), r.Blocks), "dpki store check"
	}
	return c
}
