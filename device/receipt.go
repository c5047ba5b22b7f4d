package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dpki/bundle"
	"dpki/state"
)

const (
	// receiptSpacing is the least time between two receipts: entries that come
	// one after the other make one.
	receiptSpacing = 5 * time.Second
	// receiptRenewal is how often a receipt is renewed that says the same, so that
	// its reader can tell a quiet zone from a device that is gone.
	receiptRenewal = time.Hour
	receiptBudget  = 20 * time.Second
	lastReceipt    = 10 * time.Minute // between attempts, where no mirror takes it
)

// handedIn is how handing in a receipt ended.
type handedIn struct {
	marks []bundle.Mark
	err   error
}

// reporting is what a device has told mirrors of itself.
type reporting struct {
	busy  bool          // a worker hands one in
	next  time.Duration // not before, since boot
	fails int
	marks []bundle.Mark // of the last one that was taken
	at    time.Duration // when, since boot
}

// report hands in a receipt where something has changed since the last, or it is
// time to say the same again. A device without mirrors has nobody to tell.
func (e *Engine) report(ctx context.Context) {
	boot := e.c.Clock.Boot()
	if e.c.Silent || e.reach.mirrors() == 0 || e.enrolment == nil || !e.time.Live || e.reporting.busy || boot < e.reporting.next {
		return
	}
	v := e.view.Load()
	marks := v.marks(e.time.Now(e.c.Clock.Read()))
	if slices.Equal(marks, e.reporting.marks) && boot-e.reporting.at < receiptRenewal {
		return
	}
	receipt, err := v.receipt(e.c, marks)
	if err != nil {
		e.c.Log.Error("the receipt could not be made", "error", err)
		e.reporting.next = boot + lastReceipt
		return
	}
	body, err := receipt.Marshal()
	if err != nil {
		e.c.Log.Error("the receipt could not be made", "error", err)
		e.reporting.next = boot + lastReceipt
		return
	}
	e.reporting.busy = true
	e.workers.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, receiptBudget)
		defer cancel()
		err := e.c.Fetcher.Receipt(ctx, receipt.Key(), body)
		e.reported <- handedIn{marks, err} // capacity 1, and one worker
	})
}

// reportEnded notes how handing in ended.
func (e *Engine) reportEnded(h handedIn) {
	r := &e.reporting
	r.busy, r.at = false, e.c.Clock.Boot()
	if h.err != nil {
		r.fails++
		r.next = r.at + min(receiptSpacing<<min(r.fails, 10), lastReceipt)
		if r.fails == 1 {
			e.c.Log.Warn("no mirror takes the receipt", "error", h.err)
		}
		return
	}
	r.fails, r.marks, r.next = 0, h.marks, r.at+receiptSpacing
}

// untilReport is how long a receipt that says something new has to wait, or for
// ever where there is none.
func (e *Engine) untilReport() time.Duration {
	const never = time.Duration(1<<63 - 1)
	r := &e.reporting
	if r.at == 0 || r.busy || r.fails > 0 || slices.Equal(e.view.Load().marks(e.time.Now(e.c.Clock.Read())), r.marks) {
		return never
	}
	return max(0, r.next-e.c.Clock.Boot())
}

// receipt is what a device says of itself.
func (v *View) receipt(c Config, marks []bundle.Mark) (*bundle.Receipt, error) {
	return c.Identity.NewReceipt(c.Anchor, v.State.Scopes.Mailbox, v.State.Head.Time, marks)
}

// marks are how far each log has been read, and what stands against saying that
// it has been applied.
func (v *View) marks(now uint64) []bundle.Mark {
	result := map[state.Word]string{}
	if n := v.State.Opaque(); n > 0 {
		result[v.State.Scopes.Zone] = fmt.Sprintf("entries without a key: %d", n)
	}
	if fact, ok := v.State.Unreadable(now); ok {
		result[fact.Scope] = "a restriction cannot be read"
	}
	if text := v.undelivered(); text != "" && result[v.State.Scopes.Mailbox] == "" {
		result[v.State.Scopes.Mailbox] = text
	}
	marks := make([]bundle.Mark, 0, len(v.Ends))
	for _, end := range v.Ends {
		m := bundle.Mark{Scope: end.Scope, Seq: end.Seq, Result: bundle.Applied}
		switch {
		case v.Journal != nil:
			m.Result = "not written to disk"
		case result[end.Scope] != "":
			m.Result = result[end.Scope]
		}
		marks = append(marks, m)
	}
	return marks
}

// undelivered says what stands against saying that every delivery is in force.
func (v *View) undelivered() string {
	refused := 0
	for _, d := range v.Delivered {
		if !d.OK() {
			refused++
		}
	}
	var unsigned *bundle.CosignError
	switch {
	case v.NotCosigned > 0 && errors.As(v.Undelivered, &unsigned):
		return fmt.Sprintf("deliveries waiting: %d, %v", v.Awaited, unsigned)
	case v.Awaited > 0:
		return fmt.Sprintf("deliveries waiting: %d", v.Awaited)
	case refused > 0:
		return fmt.Sprintf("deliveries refused: %d", refused)
	}
	return ""
}

// End is how far a log has been read.
type End struct {
	Scope state.Word
	Seq   uint64
}

// ends are the three logs of an enrolled device.
func (r *replica) ends() []End {
	if r.scopes.Zone.IsZero() {
		return nil
	}
	var ends []End
	for _, scope := range []state.Word{r.scopes.Org, r.scopes.Zone, r.scopes.Mailbox} {
		l := r.logs[scope]
		ends = append(ends, End{scope, l.Confirmed.Seq + uint64(len(l.Overlay))})
	}
	return ends
}
