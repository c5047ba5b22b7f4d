package device

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"dpki/device/journal"
	"dpki/registry/verify"
)

// look is one look at the chain.
func (e *Engine) look(ctx context.Context, asked []*refresh) {
	ctx, cancel := context.WithTimeout(ctx, e.budget(asked))
	defer cancel()
	e.looked = e.c.Clock.Boot()
	e.turns.take(e.looked)
	e.c.Log.Debug("looking")
	e.leaping.now = e.c.Clock.Read()
	res, err := e.reader.Tick(ctx)
	e.leaping.note(err)
	e.c.Log.Debug("looked", "took", e.c.Clock.Boot()-e.looked)
	if err != nil {
		e.failed(err)
		return
	}
	for _, alarm := range res.Alarms {
		e.alarm(alarm)
	}
	for _, h := range e.reader.Health() {
		if h.Last == nil {
			delete(e.said, h.Name)
		}
	}
	e.accept(res)
}

func (e *Engine) failed(err error) {
	e.failures++
	e.turns.lose(e.looked)
	level := slog.LevelWarn
	switch {
	case errors.Is(err, verify.ErrRollback):
		level = slog.LevelError
	case e.c.Clock.Boot()-e.began < starting:
		level = slog.LevelDebug // fetch is only being started; if it stays so, the next look says it
	}
	if old := e.view.Load().Problem; e.unsaid || old == nil || old.Error() != err.Error() {
		e.unsaid = level == slog.LevelDebug
		e.c.Log.Log(context.Background(), level, "the chain could not be read", "error", err)
	}
	unwritten := e.view.Load().Journal
	if e.pending != nil {
		unwritten = e.flush()
	}
	r := e.c.Clock.Read()
	if r.Boot-e.written > writeEvery {
		// Age goes on over a restart: a device that is kept offline does not
		// become younger by being switched off and on.
		if err := e.c.Journal.SetRecord(journal.RecordClock, e.time.Stamp(e.c.Clock, r)); err == nil {
			e.written = r.Boot
		}
	}
	e.publish(err, unwritten)
}

// sayAgain is when an endpoint that is still not believed is named again.
const sayAgain = 10 * time.Minute

// said is what was logged of an endpoint.
type said struct {
	lied bool
	at   time.Duration // since boot
}

func (e *Engine) alarm(err error) {
	var of *verify.EndpointError
	if !errors.As(err, &of) {
		e.c.Log.Error("ALARM", "error", err)
		return
	}
	// At each look it would bury everything else in the log.
	now := said{lied: of.Lied(), at: e.c.Clock.Boot()}
	if last, ok := e.said[of.Endpoint]; ok && last.lied == now.lied && now.at-last.at < sayAgain {
		return
	}
	e.said[of.Endpoint] = now
	if !now.lied {
		e.c.Log.Warn("an endpoint was passed over", "error", err)
		return
	}
	e.c.Log.Error("ALARM", "error", err)
}

// accept takes a verified result: first on disk, then in memory. Where the disk
// does not take it, it counts in memory and is written later.
func (e *Engine) accept(res *verify.Result) {
	r := e.c.Clock.Read()
	next := e.time.Accept(res.Head.Time, r)
	var unwritten error
	if e.pending != nil || len(res.Changes) > 0 || e.written == 0 || r.Boot-e.written > writeEvery {
		all := e.pending.after(res)
		e.c.Log.Debug("writing")
		if unwritten = e.c.Journal.Apply(all.result(), next.Stamp(e.c.Clock, r)); unwritten == nil {
			e.written, e.pending = r.Boot, nil
		} else {
			e.pending = all
		}
		e.c.Log.Debug("written", "error", unwritten)
	}
	e.failures, e.read, e.time, e.head = 0, true, next, res.Head
	e.reader.Commit(res)
	if len(res.Changes) > 0 {
		e.changed = r.Boot
		e.due = e.replica.change(res.Changes) || e.due
	}
	if unwritten != nil {
		// Nothing is built anew: the journal is behind.
		if e.view.Load().Journal == nil {
			e.c.Log.Error("the journal could not be written", "error", unwritten)
		}
		e.publish(nil, unwritten)
		return
	}
	if e.replica.widen(e.announced()) {
		e.due, e.more = true, true
	}
	if e.due {
		e.due = false
		if err := e.rebuild(e.reader.Known().Scopes); err != nil {
			e.c.Log.Error("the journal could not be read", "error", err)
			e.publish(nil, err)
			return
		}
		if err := e.reader.Follow(e.replica.all()...); err != nil {
			e.c.Log.Error("the reader refuses its scopes", "error", err)
		}
	}
	e.publish(nil, nil)
}
