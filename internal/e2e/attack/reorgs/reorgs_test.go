// Package reorgs reorganises a real chain under a real device, at random, and
// compares what it lets in with a model.
package reorgs

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

var seed = flag.Uint64("seed", 0, "repeat a run; 0 = a new one")

const (
	deepest = 20
	// finality is how far behind the head blocks are final: no reorganisation
	// here goes deeper.
	finality = deepest + 5
)

// history is the model: what the chain holds, and what the device has seen.
type history struct {
	*siege.Site
	*rand.Rand
	guests []*guest
}

// guest is one grant with what became of it.
type guest struct {
	siege.User
	put     uint64 // the block of its grant, 0 = not in the chain
	revoked uint64 // the block of its revocation, 0 = not in the chain
	sticky  uint64 // the block in which a revocation stood that the device has seen and a reorganisation has dropped
}

// let is what the device must say about a guest, at a finalized number.
func (g *guest) let(finalized uint64) bool {
	return g.put != 0 && g.revoked == 0 && g.sticky <= finalized
}

// TestReorganisations: depths 1 to 20 in random order, with what they drop and
// without. A grant counts while the chain holds it. A revocation that was seen
// counts until finality has passed the block in which it stood without it.
func TestReorganisations(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, Chain: devchain.Options{HoldBack: finality}})
	run := *seed
	if run == 0 {
		run = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat it by -seed %d", run)
	h := &history{Site: s, Rand: rand.New(rand.NewPCG(run, 1))}
	s.Org.Chain.Mine(finality + deepest) // the device's own enrolment is final
	var counted struct{ in, out, dropped, stuck, freed int }
	for _, n := range h.Perm(deepest) {
		depth, keep := n+1, h.IntN(3) == 0
		for range 2 + h.IntN(5) {
			h.step()
		}
		h.revoke() // one at least stands in the blocks that go
		if extra := h.IntN(depth); extra > 0 {
			s.Org.Chain.Mine(extra)
		}
		when := fmt.Sprintf("depth %d, before", depth)
		h.agree(when)
		head := s.Org.Chain.Number()
		s.Must(s.Org.Chain.Reorg(depth, keep))
		dropped := h.reorganised(head-uint64(depth), keep)
		in, out := h.agree(fmt.Sprintf("depth %d, kept %v, after", depth, keep))
		counted.in, counted.out, counted.dropped = counted.in+in, counted.out+out, counted.dropped+dropped
		for _, g := range h.guests {
			if g.sticky > s.Org.Chain.Number()-finality {
				counted.stuck++
			} else if g.sticky != 0 {
				g.sticky = 0
				counted.freed++
			}
		}
	}
	t.Logf("measured: %d times let in, %d times refused after a reorganisation; %d entries were dropped, sticky revocations were looked at %d times, %d ended by finality",
		counted.in, counted.out, counted.dropped, counted.stuck, counted.freed)
	if counted.in == 0 || counted.out == 0 || counted.dropped == 0 || counted.stuck == 0 || counted.freed == 0 {
		t.Error("the run has not shown every case")
	}
}

// step writes something, or nothing.
func (h *history) step() {
	h.Helper()
	switch h.IntN(6) {
	case 0:
		h.Org.Chain.Mine(1 + h.IntN(3))
	case 1: // granted and revoked in one block
		g := &guest{User: h.Ungranted("alice")}
		h.write(g.Grant, revocation(g))
		g.put, g.revoked = h.Org.Chain.Number(), h.Org.Chain.Number()
		h.guests = append(h.guests, g)
	case 2: // a grant that was dropped, once more
		for _, g := range h.guests {
			if g.put == 0 {
				h.write(g.Grant)
				g.put = h.Org.Chain.Number()
				return
			}
		}
	case 3, 4:
		h.revoke()
	}
	for range 1 + h.IntN(2) {
		g := &guest{User: h.Granted("alice")}
		g.put = h.Org.Chain.Number()
		h.guests = append(h.guests, g)
	}
}

// revoke revokes one of those that were granted.
func (h *history) revoke() {
	h.Helper()
	if g := h.pick(func(g *guest) bool { return g.put != 0 && g.revoked == 0 }); g != nil {
		h.write(revocation(g))
		g.revoked = h.Org.Chain.Number()
	}
}

func (h *history) write(changes ...contracts.Change) {
	h.Helper()
	h.Org.Write(h.ID, changes...)
}

func revocation(g *guest) contracts.Change {
	return contracts.Change{Action: state.ActionRevoke, Kind: g.Grant.Kind, Subject: g.Grant.Subject}
}

func (h *history) pick(of func(*guest) bool) *guest {
	for _, i := range h.Perm(len(h.guests)) {
		if of(h.guests[i]) {
			return h.guests[i]
		}
	}
	return nil
}

// reorganised is the model of a reorganisation after a block, which everybody had
// seen before. What is kept stands in the first of the new blocks.
func (h *history) reorganised(parent uint64, keep bool) (dropped int) {
	move := func(block *uint64) bool {
		switch {
		case *block <= parent:
			return false
		case keep:
			*block = parent + 1
			return false
		}
		*block = 0
		dropped++
		return true
	}
	for _, g := range h.guests {
		move(&g.put)
		if was := g.revoked; move(&g.revoked) {
			g.sticky = max(g.sticky, was)
		}
	}
	return dropped
}

// agree compares the device with the model once it has read the chain: all whose
// entries may still move, some of the others, and two of them through sshd.
func (h *history) agree(when string) (in, out int) {
	h.Helper()
	head := h.Org.Chain.Number()
	finalized := head - finality
	h.Look(when, func(st device.Status) bool {
		return st.Block == head && st.Finalized == finalized && st.Problem == ""
	})
	others := 5
	for i, n := range h.Perm(len(h.guests)) {
		g := h.guests[n]
		if max(g.put, g.revoked, g.sticky) <= finalized && g.put != 0 {
			if others--; others < 0 {
				continue
			}
		}
		want := g.let(finalized)
		if got := h.Ask(g.Account, g.Cert) != ""; got != want {
			h.Errorf("%s, block %d, finalized %d: let in %v, want %v: %+v; %v", when, head, finalized, got, want,
				[]uint64{g.put, g.revoked, g.sticky}, h.LastAudit())
		}
		if want {
			in++
		} else {
			out++
		}
		if i >= 2 {
			continue
		}
		if err := h.LogsIn(g.User); (err == nil) != want {
			h.Errorf("%s: sshd lets in %v, want %v (%v)", when, err == nil, want, err)
		}
	}
	return in, out
}
