package device

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/state"
)

const (
	deliverBudget = 2 * time.Minute
	firstDeliver  = 2 * time.Second
	lastDeliver   = 10 * time.Minute
)

// deliverable are the purposes that a DELIVERY may announce.
var deliverable = []bundle.Purpose{bundle.PurposeUserKey, bundle.PurposeHostCertificate, bundle.PurposeCA, bundle.PurposeFiles}

// delivering is what the engine knows of the installing of deliveries, beside
// what the Applier remembers.
type delivering struct {
	busy  bool
	at    time.Duration // not before, since boot
	fails int           // attempts that failed in a row, over all deliveries
	why   error         // of the last attempt, nil where it succeeded
}

// deliveryEnded is how one attempt ended.
type deliveryEnded struct {
	done Delivered
	err  error
}

// awaited are the live deliveries of this device that are not settled, in the
// log's order.
func (e *Engine) awaited(s *state.State, now uint64) (list []state.DeliveryFact) {
	if e.c.Applier == nil || s.Retired() {
		return nil
	}
	for d := range s.Deliveries(now) {
		if d.Scope == s.Scopes.Mailbox && !e.c.Applier.Settled(d.Subject) {
			list = append(list, *d)
		}
	}
	return list
}

// deliver starts a worker on what is to be installed next, unless one is at work
// or the last attempt was a moment ago. Logins do not wait for it.
func (e *Engine) deliver(ctx context.Context) {
	if e.c.Applier == nil || e.enrolment == nil || !e.time.Live || e.delivery.busy || e.c.Clock.Boot() < e.delivery.at {
		return
	}
	s, now := e.view.Load().State, e.time.Now(e.c.Clock.Read())
	var work func(context.Context) deliveryEnded
	if due := e.c.Applier.Due(); due != 0 && due <= now && !s.Retired() {
		work = func(ctx context.Context) deliveryEnded {
			return deliveryEnded{err: e.c.Applier.Renew(ctx, now, trustedBy(s, now))}
		}
	}
	// One that cannot be fetched or installed must not stand in the way of others.
	if list := e.awaited(s, now); len(list) > 0 && (work == nil || e.delivery.fails%2 == 1) {
		fact := list[e.delivery.fails%len(list)]
		work = func(ctx context.Context) deliveryEnded { return install(ctx, e.c, s, fact, now) }
	}
	if work == nil {
		return
	}
	e.delivery.busy = true
	go func() {
		ctx, cancel := context.WithTimeout(ctx, deliverBudget)
		defer cancel()
		e.delivered <- work(ctx) // capacity 1, and one worker
	}()
}

// install fetches one delivery and has it installed. It touches nothing of the
// engine's.
func install(ctx context.Context, c Config, s *state.State, fact state.DeliveryFact, now uint64) deliveryEnded {
	end := deliveryEnded{done: Delivered{Subject: fact.Subject, Purpose: bundle.Purpose(fact.Purpose).String(), Seq: fact.Seq, Time: now}}
	for other := range s.Deliveries(now) {
		if other.Scope == fact.Scope && other.Supersedes == fact.Subject && other.Seq > fact.Seq {
			end.done.Result = Superseded
			end.err = c.Applier.Settle(end.done)
			return end
		}
	}
	block, err := bundle.Fetch(ctx, c.Fetcher, bundle.CID(fact.Delivery.Block), bundle.MaxBlock)
	if err != nil {
		end.err = err
		return end
	}
	// These are the bytes that the entry names: what is wrong with them now stays so.
	b, err := c.Identity.ReadDelivery(ctx, one(block), c.Anchor, &fact, deliverable...)
	if err != nil {
		end.done.Result = printable(err.Error())
		end.err = c.Applier.Settle(end.done)
		return end
	}
	defer clear(b.Content)
	done, err := c.Applier.Apply(ctx, Material{Fact: fact, Content: b.Content, Device: s.Scopes.Mailbox, Now: now, Trusted: trustedBy(s, now)})
	return deliveryEnded{done, err}
}

// one is a store that has one block.
type one []byte

func (b one) Get(context.Context, bundle.CID, int) ([]byte, error) { return b, nil }

// printable is a text that may stand in a status and in a receipt.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 200)])
}

// trustedBy reports which CAs a state's zone trusts.
func trustedBy(s *state.State, now uint64) func(state.Word, state.Kind) bool {
	return func(key state.Word, kind state.Kind) bool {
		for ca := range s.CAs() {
			if ca.CA.Key == key && ca.Kind == kind && s.Standing(&ca.Fact, now) == state.Live {
				return true
			}
		}
		return false
	}
}

// deliveryEnds notes how an attempt ended.
func (e *Engine) deliveryEnds(end deliveryEnded) {
	d := &e.delivery
	d.busy = false
	log := e.c.Log.With("delivery", end.done.Subject.String(), "purpose", end.done.Purpose, "name", end.done.Name)
	if end.err != nil {
		wait := min(firstDeliver<<min(d.fails, 10), lastDeliver)
		d.fails++
		d.at = e.c.Clock.Boot() + wait
		if d.why == nil || d.why.Error() != end.err.Error() {
			log.Warn("a delivery could not be applied", "error", end.err, "again_in", wait)
		}
		d.why = fmt.Errorf("delivery %s: %w", short(end.done.Subject), end.err)
	} else {
		d.fails, d.why, d.at = 0, nil, 0
		switch {
		case end.done.Subject.IsZero():
			log.Info("the host certificate of the next window is in use")
		case end.done.OK():
			log.Info("a delivery was settled", "result", end.done.Result)
		default:
			log.Error("a delivery was refused", "why", end.done.Result)
		}
	}
	v := *e.view.Load()
	e.publish(v.Problem, v.Journal)
}

func short(w state.Word) string { return w.String()[:12] }

// untilDelivery is how long until something about deliveries is to be done, or
// for ever.
func (e *Engine) untilDelivery() time.Duration {
	const never = time.Duration(1<<63 - 1)
	s, now := e.view.Load().State, e.time.Now(e.c.Clock.Read())
	if e.c.Applier == nil || e.enrolment == nil || !e.time.Live || e.delivery.busy || s.Retired() {
		return never
	}
	wait := never
	if due := e.c.Applier.Due(); due != 0 {
		wait = time.Duration(min(max(int64(due)-int64(now), 0), 24*3600)) * time.Second
	}
	if len(e.awaited(s, now)) > 0 {
		wait = 0
	}
	return max(wait, e.delivery.at-e.c.Clock.Boot())
}
