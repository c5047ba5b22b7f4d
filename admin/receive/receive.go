package receive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/admin/fault"
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

// Config is what a Receiver works with.
type Config struct {
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
	Config
	cache    *store.Cache
	search   *searched
	warnings []string

	// step is told of each step of installing once it is done; nil but in tests,
	// which die there.
	step func(string)
}

// New makes a Receiver. Nothing is read yet.
func New(c Config) *Receiver {
	if c.Now == nil {
		c.Now = time.Now
	}
	dir := c.Home.State(c.Anchor.Org)
	return &Receiver{Config: c, cache: &store.Cache{Kept: store.Folder{Path: c.Home.Blocks(c.Anchor.Org)}, Stores: c.Stores}, search: loadSearched(dir)}
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
	Installed = "installed"
	Waiting   = "waiting"
	Refused   = "refused"
	Removed   = "removed"
)

// Received is one delivery, or something that was taken away.
type Received struct {
	Zone    string      `json:"zone"`
	Purpose string      `json:"purpose,omitempty"`
	Name    string      `json:"name"`
	ID      string      `json:"id,omitempty"`
	Outcome string      `json:"outcome"`
	Why     string      `json:"why,omitempty"` // where it waits or is refused
	Until   ledger.Time `json:"until,omitempty"`
	Path    string      `json:"path,omitempty"`
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
	now, err := r.Ledger.Now(r.Now())
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
		return nil, fault.Because(err, fault.Failed, "what was received before is as it was", "what was delivered could not be installed in %s", r.Folder)
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

// deliveryName is what deliveries replace each other by.
type deliveryName struct {
	purpose uint8
	name    string
}

// receiveIn judges what was delivered into one mailbox: of each purpose and name
// the newest, and where that cannot be used, what is in use already.
func (r *Receiver) receiveIn(ctx context.Context, p Place, now uint64) ([]*receivedSet, error) {
	if err := r.read(ctx, p.mailbox); err != nil {
		return nil, err
	}
	ring := bundle.NewRing(r.Anchor)
	if err := ring.AddMailbox(p.mailbox, r.Identity.MailboxSecret()); err != nil {
		return nil, err
	}
	view := r.Ledger.State(state.Scopes{Org: r.Anchor.Org, Zone: p.zone, Mailbox: p.mailbox}, ring)
	var list []*receivedSet
	settled, told, replaced := map[deliveryName]bool{}, map[deliveryName]bool{}, map[state.Word]bool{}
	for _, f := range r.announced(p, view, ring, now) {
		id := deliveryName{f.Purpose, f.Delivery.Name}
		old := told[id] || replaced[f.Subject]
		if replaced[f.Supersedes] = true; settled[id] {
			continue
		}
		// What a later one has replaced does not come back, whatever became of that.
		if view.Standing(&f.Fact, now) != state.Live {
			settled[id] = true
			continue
		}
		stands := r.inUse(p, f)
		if old && !stands {
			continue
		}
		s := &receivedSet{place: p, fact: f, name: f.Delivery.Name, outcome: Installed}
		err := r.judge(ctx, view, s, now)
		var later waits
		switch {
		case ctx.Err() != nil:
			return nil, fault.Because(ctx.Err(), fault.Later, "try again", "receiving was interrupted")
		case errors.As(err, &later):
			s.outcome, s.why, s.kept, settled[id] = Waiting, fault.OneLine(err), stands, stands
		case err != nil:
			s.outcome, s.why = Refused, fault.OneLine(err)
		default:
			settled[id] = true
		}
		if old && err != nil && !s.kept {
			continue // the newest has been told of; this one was its stand-in
		}
		told[id] = true
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b *receivedSet) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// announced are the deliveries into a mailbox, the newest first: also those that
// were revoked or have ended, but none that somebody entered who is distrusted, or
// that does not count yet.
func (r *Receiver) announced(p Place, view *state.State, ring *bundle.Ring, now uint64) (list []*state.DeliveryFact) {
	for _, e := range slices.Backward(r.Ledger.Entries(p.mailbox)) {
		if e.Kind != state.KindDelivery || e.Action != state.ActionPut {
			continue
		}
		fact := ledger.FactOf(p.mailbox, &e)
		switch view.Standing(fact, now) {
		case state.Live, state.Revoked, state.Expired:
		default:
			continue
		}
		payload, err := ring.Open(p.mailbox, &e)
		if err != nil {
			continue // sealed with no key of this mailbox: it announces nothing
		}
		if d, err := state.ParseDelivery(payload); err == nil && bundle.Purpose(d.Purpose) != bundle.PurposeSignatures {
			list = append(list, &state.DeliveryFact{Fact: *fact, Delivery: d})
		}
	}
	return list
}

func (r *Receiver) read(ctx context.Context, scopes ...state.Word) error {
	return fault.Chain(r.Ledger.Read(ctx, scopes...), r.Network)
}

// report tells the mirrors how far this person has come. Nobody waits for it.
func (r *Receiver) report(ctx context.Context, places []Place, sets []*receivedSet) {
	for _, p := range places {
		if len(r.Receipts) == 0 || p.Retired {
			continue
		}
		bad := map[string]int{}
		for _, s := range sets {
			if s.place.mailbox == p.mailbox && s.outcome != Installed {
				bad[s.outcome]++
			}
		}
		result := bundle.Applied
		for _, outcome := range []string{Refused, Waiting} {
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
