package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"
)

// ReceiptTaker is a place that takes receipts: a mirror.
type ReceiptTaker interface {
	PutReceipt(ctx context.Context, key state.Word, receipt []byte) error
}

// ReceiverConfig is what a Receiver works with.
type ReceiverConfig struct {
	Home     home.Home
	Folder   string // where what is received goes; made as needed
	Anchor   anchor.Anchor
	Network  network.File
	Identity *bundle.Identity
	LoginKey ssh.PublicKey // his own, nil for none
	Ledger   *ledger.Ledger
	Stores   store.Store
	Receipts []ReceiptTaker
	// Now is the wall clock; nil is time.Now.
	Now func() time.Time
}

// Receiver is a person at his own machine: he holds no chain account and no zone's
// key. He reads the organisation's log, his zones' and his mailboxes', opens what
// was sealed to him, and installs what counts below a folder of his own. That
// folder is made anew from the log each time, so that a crash costs nothing and
// running it twice changes nothing. It is not safe for concurrent use.
type Receiver struct {
	ReceiverConfig
	cache    *blocks
	search   *searched
	warnings []string

	// step is told of each step of installing once it is done; nil but in tests,
	// which die there.
	step func(string)
}

// NewReceiver makes a Receiver. Nothing is read yet.
func NewReceiver(c ReceiverConfig) *Receiver {
	if c.Now == nil {
		c.Now = time.Now
	}
	dir := c.Home.State(c.Anchor.Org)
	return &Receiver{ReceiverConfig: c, cache: newBlocks(dir, c.Stores), search: loadSearched(dir)}
}

// Place is where a person is enrolled.
type Place struct {
	Name    string `json:"name"`
	Zone    string `json:"zone"`
	ID      string `json:"id"`
	Retired bool   `json:"retired,omitempty"`

	zone, mailbox state.Word
}

// Outcomes of deliveries.
const (
	ReceivedInstalled = "installed"
	ReceivedWaiting   = "waiting"
	ReceivedRefused   = "refused"
	ReceivedRemoved   = "removed"
)

// Received is one delivery, or something that was taken away.
type Received struct {
	Zone    string `json:"zone"`
	Purpose string `json:"purpose,omitempty"`
	Name    string `json:"name"`
	ID      string `json:"id,omitempty"`
	Outcome string `json:"outcome"`
	Why     string `json:"why,omitempty"` // where it waits or is refused
	Until   Time   `json:"until,omitempty"`
	Path    string `json:"path,omitempty"`
	// New: it was not there before.
	New bool `json:"new,omitempty"`
}

// Reception is what a look brought.
type Reception struct {
	Places   []Place    `json:"enrolled"`
	Received []Received `json:"received"`
	// SSHConfig is the file to include; empty where no login was received.
	SSHConfig string `json:"ssh_config,omitempty"`
	Block     uint64 `json:"block"`
}

// Count is how many have an outcome.
func (r *Reception) Count(outcome string) (n int) {
	for _, v := range r.Received {
		if v.Outcome == outcome {
			n++
		}
	}
	return n
}

// Warnings are what the person should hear although it worked.
func (r *Receiver) Warnings() []string {
	all := r.warnings
	for _, err := range r.Ledger.Alarms() {
		all = append(all, err.Error())
	}
	return all
}

// Receive looks once, and installs.
func (r *Receiver) Receive(ctx context.Context) (*Reception, error) {
	r.warnings = nil
	r.Ledger.Forget()
	unlock, err := lockFolder(r.Folder)
	if err != nil {
		return nil, err
	}
	defer unlock()
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	now, err := verifiedNow(r.Now(), r.Ledger.Head())
	if err != nil {
		return nil, err
	}
	out := &Reception{Places: places, Received: []Received{}, Block: r.Ledger.Head().Number}
	var sets []*receivedSet
	for _, p := range places {
		if p.Retired {
			continue
		}
		of, err := r.receiveIn(ctx, p, now)
		if err != nil {
			return nil, err
		}
		sets = append(sets, of...)
	}
	if err := r.install(places, sets, now, out); err != nil {
		return nil, because(err, Failed, "what was received before is as it was", "what was delivered could not be installed in %s", r.Folder)
	}
	r.report(ctx, places, sets)
	return out, nil
}

// receivedSet is a delivery that counts, or why it does not.
type receivedSet struct {
	place   Place
	fact    *state.DeliveryFact
	name    string
	files   []receivedFile // none where there is nothing to install
	login   *receivedLogin // what ssh is to know, nil for no key
	hostCAs []ssh.PublicKey
	outcome string
	why     string
	// kept: it is in use, and could not be read now. It stays as it is.
	kept bool
}

// receivedFile is one file of a set, beside the others.
type receivedFile struct {
	path    string
	content []byte
	mode    uint32
}

// waits says why something cannot be used now, and may be later.
type waits struct{ err error }

func (w waits) Error() string { return w.err.Error() }
func (w waits) Unwrap() error { return w.err }

// receiveIn judges what was delivered into one mailbox: of each purpose and name
// the newest that can be used.
func (r *Receiver) receiveIn(ctx context.Context, p Place, now uint64) ([]*receivedSet, error) {
	if err := r.read(ctx, p.mailbox); err != nil {
		return nil, err
	}
	view, err := r.view(p)
	if err != nil {
		return nil, err
	}
	superseded := map[state.Word]bool{}
	var facts []*state.DeliveryFact
	for f := range view.Deliveries(now) {
		if f.Scope == p.mailbox && bundle.Purpose(f.Purpose) != bundle.PurposeSignatures {
			facts = append(facts, f)
			superseded[f.Supersedes] = true
		}
	}
	slices.SortFunc(facts, func(a, b *state.DeliveryFact) int { return int(int64(b.Seq) - int64(a.Seq)) })
	type set struct {
		purpose uint8
		name    string
	}
	settled, seen := map[set]bool{}, map[set]bool{}
	var list []*receivedSet
	for _, f := range facts {
		id := set{f.Purpose, f.Delivery.Name}
		if settled[id] {
			continue
		}
		stands := r.inUse(p, f)
		if superseded[f.Subject] && !stands {
			continue // a later one replaces it, whatever becomes of that
		}
		s := &receivedSet{place: p, fact: f, name: f.Delivery.Name, outcome: ReceivedInstalled}
		err := r.judge(ctx, view, s, now)
		var later waits
		switch {
		case ctx.Err() != nil:
			return nil, because(ctx.Err(), Later, "try again", "receiving was interrupted")
		case errors.As(err, &later):
			s.outcome, s.why, s.kept = ReceivedWaiting, OneLine(err), stands
			settled[id] = stands
		case err != nil:
			s.outcome, s.why = ReceivedRefused, OneLine(err)
		default:
			settled[id] = true
		}
		if seen[id] && err != nil && !s.kept {
			continue // the newest has been told of; this one was its stand-in
		}
		seen[id] = true
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b *receivedSet) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// view is what this person knows of one zone.
func (r *Receiver) view(p Place) (*state.State, error) {
	ring := bundle.NewRing(r.Anchor)
	if err := ring.AddMailbox(p.mailbox, r.Identity.MailboxSecret()); err != nil {
		return nil, err
	}
	return r.Ledger.State(state.Scopes{Org: r.Anchor.Org, Zone: p.zone, Mailbox: p.mailbox}, ring), nil
}

func (r *Receiver) read(ctx context.Context, scopes ...state.Word) error {
	return chainProblem(r.Ledger.Read(ctx, scopes...), r.Network)
}

// report tells the mirrors how far this person has come. Nobody waits for it.
func (r *Receiver) report(ctx context.Context, places []Place, sets []*receivedSet) {
	for _, p := range places {
		if len(r.Receipts) == 0 || p.Retired {
			continue
		}
		bad := map[string]int{}
		for _, s := range sets {
			if s.place.mailbox == p.mailbox && s.outcome != ReceivedInstalled {
				bad[s.outcome]++
			}
		}
		result := bundle.Applied
		for _, outcome := range []string{ReceivedRefused, ReceivedWaiting} {
			if bad[outcome] > 0 {
				result = fmt.Sprintf("deliveries %s: %d", outcome, bad[outcome])
			}
		}
		marks := []bundle.Mark{r.mark(r.Anchor.Org, bundle.Applied), r.mark(p.zone, bundle.Applied), r.mark(p.mailbox, result)}
		receipt, err := r.Identity.NewReceipt(r.Anchor, p.mailbox, r.Ledger.Head().Time, marks)
		var text []byte
		if err == nil {
			text, err = receipt.Marshal()
		}
		taken := false
		for _, m := range r.Receipts {
			if err == nil && m.PutReceipt(ctx, receipt.Key(), text) == nil {
				taken = true
			}
		}
		if !taken {
			r.warnings = append(r.warnings, "no mirror has taken the receipt: administrators do not see that this has arrived")
		}
	}
}

func (r *Receiver) mark(scope state.Word, result string) bundle.Mark {
	m := bundle.Mark{Scope: scope, Result: result}
	if entries := r.Ledger.Entries(scope); len(entries) > 0 {
		m.Seq = entries[len(entries)-1].Seq
	}
	return m
}
