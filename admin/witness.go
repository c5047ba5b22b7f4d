package admin

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/registry/witness"
)

// WitnessReport is what one witness has signed last, and where it lies.
type WitnessReport struct {
	Name    string `json:"name"`
	Key     string `json:"key"`
	OK      bool   `json:"ok"` // signed, and what the endpoints show
	Block   uint64 `json:"block,omitempty"`
	Time    Time   `json:"time,omitempty"`
	Final   uint64 `json:"finalized,omitempty"`
	Blocks  int    `json:"blocks,omitempty"` // that the checkpoint covers
	Problem string `json:"problem,omitempty"`

	Err error `json:"-"`
}

// ErrContradiction: a witness and the endpoints have different blocks of one
// number.
var ErrContradiction = errors.New("the endpoints have another block of that number")

// ErrOldCheckpoint: a witness has signed nothing for long.
var ErrOldCheckpoint = errors.New("its newest checkpoint is old")

// oldCheckpoint is when devices would begin to call State old.
const oldCheckpoint = 5 * time.Minute

// CheckWitnesses fetches each witness's newest checkpoint, and compares it with
// what the endpoints have.
func CheckWitnesses(ctx context.Context, n network.File, w verify.Witnesses, endpoints []verify.Endpoint, now time.Time) []WitnessReport {
	reports := make([]WitnessReport, len(w.All))
	for i, one := range w.All {
		r := WitnessReport{Name: one.Name, Key: one.Key.String()}
		c, err := newestCheckpoint(ctx, one, n.ChainID)
		if err == nil {
			r.Block, r.Time, r.Final, r.Blocks = c.Number, Time(c.Time), c.Finalized, len(c.Hashes)
			err = compare(ctx, c, endpoints, now)
		}
		if r.OK = err == nil; !r.OK {
			r.Err, r.Problem = err, err.Error()
		}
		reports[i] = r
	}
	return reports
}

func newestCheckpoint(ctx context.Context, w verify.Witness, chain uint64) (newest *witness.Checkpoint, err error) {
	err = errors.New("no place is named for it")
	for _, p := range w.Places {
		raw, fetched := p.Checkpoint(ctx, w.Key)
		if fetched == nil {
			var c *witness.Checkpoint
			if c, fetched = witness.Parse(raw, w.Key, chain); fetched == nil && (newest == nil || c.Number > newest.Number) {
				newest = c
			}
		}
		if fetched != nil {
			err = fetched
		}
	}
	if newest != nil {
		return newest, nil
	}
	return nil, err
}

// compare asks the endpoints for the newest block that was signed.
func compare(ctx context.Context, c *witness.Checkpoint, endpoints []verify.Endpoint, now time.Time) error {
	if age := now.Sub(time.Unix(int64(c.Time), 0)); age > oldCheckpoint {
		return fmt.Errorf("%w: %s", ErrOldCheckpoint, age.Round(time.Second))
	}
	err := error(nil)
	for _, e := range endpoints {
		raw, asked := e.Source.Headers(ctx, []uint64{c.Number})
		if asked != nil || len(raw) != 1 || raw[0] == nil {
			continue // it does not answer, or does not have it yet
		}
		h, parsed := verify.ParseHeader(raw[0])
		if parsed != nil || h.Number != c.Number {
			continue
		}
		if h.Hash != c.Hashes[0] {
			err = errors.Join(err, fmt.Errorf("%w: %s, block %d", ErrContradiction, e.Name, c.Number))
		}
	}
	return err
}

// SignRotation adds a witness's signature to a network file that is to follow
// another one with other witnesses. What earlier witnesses have signed is kept,
// and so are the rotations of the old file: a device that missed one goes through
// all of them.
func SignRotation(anchor string, old network.File, next *network.File, private ed25519.PrivateKey) (*witness.Rotation, error) {
	problem := func(text, hint string, err error) error {
		return &Problem{Class: Usage, Text: text, Hint: hint, Err: err}
	}
	if old.Registry() != next.Registry() {
		return nil, problem("the two network files are of different chains or contracts", "witnesses are followed by others within one organisation", nil)
	}
	r, err := witness.NewRotation(anchor, old.WitnessSet(), next.WitnessSet())
	if err != nil {
		return nil, problem("the new file's witnesses cannot follow the old file's", "under [witnesses] the new file's version is the old one's and 1", err)
	}
	for _, known := range next.Rotations {
		if known.Anchor == anchor && known.Old.Equal(r.Old) && known.New.Equal(r.New) {
			r = known
		}
	}
	if err := r.Sign(private); err != nil {
		return nil, problem("this key is none of the old file's witnesses", "a rotation is signed by those who go on being believed until it is", err)
	}
	var all []*witness.Rotation
	for _, known := range append(append([]*witness.Rotation{}, old.Rotations...), next.Rotations...) {
		same := func(o *witness.Rotation) bool {
			return o.Anchor == known.Anchor && o.Old.Equal(known.Old) && o.New.Equal(known.New)
		}
		if !same(r) && !slices.ContainsFunc(all, same) {
			all = append(all, known)
		}
	}
	all = append(all, r)
	next.Rotations = all[max(0, len(all)-witness.MaxRotations):]
	return r, nil
}
