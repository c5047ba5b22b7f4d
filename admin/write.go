package admin

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/contracts"
	"dpki/registry/post"
	"dpki/state"
)

// Posted is a transaction that was mined, or with DryRun what it would cost.
type Posted struct {
	DryRun bool   `json:"dry_run,omitempty"`
	Tx     string `json:"transaction,omitempty"`
	Block  uint64 `json:"block,omitempty"`
	Time   Time   `json:"time,omitempty"`
	Gas    uint64 `json:"gas"`
	Fee    string `json:"fee_eth"` // decimal, in ETH
	// MaxFee is what the account must hold; with DryRun only.
	MaxFee  string `json:"max_fee_eth,omitempty"`
	Account string `json:"account"`
}

// write makes one transaction of the groups, by the power that this account
// has, and returns when it is mined and the ledger has reached its block. What
// needs several administrators becomes a proposal's file, and the error says so.
func (d *Desk) write(ctx context.Context, groups ...contracts.Group) (*Posted, error) {
	if d.Propose != nil {
		return nil, d.prepare(ctx, groups, false)
	}
	who, err := d.authority(groups)
	if err != nil {
		return nil, err
	}
	if n, err := d.approvals(groups); err != nil {
		return nil, err
	} else if n > 1 {
		return nil, d.propose(ctx, groups, n)
	}
	if who.Power == d.Anchor.Org {
		groups = slices.Clone(groups)
		for i := range groups {
			groups[i].Salt = state.Word{} // only zone power has to show it
		}
	}
	call, err := d.calls().Write(who, groups...)
	if err != nil {
		return nil, because(err, Failed, "", "the transaction could not be made")
	}
	return d.post(ctx, call)
}

// calls makes the transactions of this organisation.
func (d *Desk) calls() post.Organisation {
	return post.Organisation{Registry: d.Anchor.Registry, Org: d.Anchor.Org}
}

func (d *Desk) post(ctx context.Context, call post.Call) (*Posted, error) {
	if d.Propose != nil {
		return nil, problem(Usage, "send it without dpki proposal create", "this is sent as it is: nobody's approval can be collected for it")
	}
	if d.DryRun {
		e, err := d.Poster.Estimate(ctx, call)
		if err != nil {
			return nil, postProblem(err)
		}
		return &Posted{DryRun: true, Gas: e.Gas, Fee: Ether(e.Fee), MaxFee: Ether(e.MaxFee), Account: d.Account.String()}, nil
	}
	if err := d.settle(ctx); err != nil {
		return nil, err
	}
	r, err := d.Poster.Post(ctx, call)
	if err != nil {
		return nil, postProblem(err)
	}
	p := &Posted{Tx: "0x" + r.Tx.String(), Block: r.Block, Time: Time(r.Time), Gas: r.GasUsed, Fee: Ether(r.Fee), Account: d.Account.String()}
	return p, d.reach(ctx, r.Block)
}

// reach reads until the ledger has seen a block: an endpoint behind a balancer
// may answer from a node that has not.
func (d *Desk) reach(ctx context.Context, block uint64) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	d.Ledger.Stale()
	d.wrote()
	for {
		err := d.read(ctx, d.Anchor.Org)
		if err == nil && d.Ledger.Head().Number >= block {
			d.opened = false
			return nil
		}
		select {
		case <-ctx.Done():
			return problem(Later, "it is mined; try the next command again", "no endpoint has shown block %d yet", block)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// publish puts blocks into the stores. One store that has them all is enough;
// the others are named in a warning.
func (d *Desk) publish(ctx context.Context, list []bundle.Block) error {
	if d.DryRun {
		return nil
	}
	if err := d.unlock(); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	for _, b := range list {
		_, err := d.Stores.Put(ctx, b.Bytes)
		var some *store.Failures
		switch {
		case errors.As(err, &some) && len(some.Errors) < some.Of:
			for _, e := range some.Errors {
				d.warn(fmt.Sprintf("%v; another store has the content", e))
			}
		case err != nil:
			return because(err, Later, "start the store, or name one that can be written in the network file; nothing was sent to the chain",
				"the content could not be stored")
		}
		d.cache.Keep(ctx, b.Bytes)
	}
	return nil
}

// unlock opens the chain key, so that what cannot be sent is not begun.
func (d *Desk) unlock() error {
	if d.DryRun || d.Unlock == nil || d.Propose != nil && !d.Propose.Sign {
		return nil
	}
	return signerProblem(d.Unlock(), d.Home)
}

func put(kind state.Kind, s bundle.Sealed, from, until uint64) contracts.Change {
	return contracts.Change{Action: state.ActionPut, Kind: kind, From: from, Until: until, Subject: s.Subject, Data: s.Data}
}

func revoke(kind state.Kind, subject state.Word) contracts.Change {
	return contracts.Change{Action: state.ActionRevoke, Kind: kind, Subject: subject}
}

// Ether writes wei as a decimal number of ETH without trailing zeros.
func Ether(wei *big.Int) string {
	if wei == nil {
		return "0"
	}
	s := new(big.Rat).SetFrac(wei, big.NewInt(1e18)).FloatString(18)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
