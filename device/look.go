package device

import (
	"context"
	"errors"
	"log/slog"

	"dpki/device/journal"
	"dpki/registry/verify"
)

// look is one look at the chain.
func (e *Engine) look(ctx context.Context, asked []*refresh) {
	ctx, cancel := context.WithTimeout(ctx, budget(asked))
	defer cancel()
	e.looked = e.c.Clock.Boot()
	res, err := e.reader.Tick(ctx)
	e.c.Log.Debug("looked", "took", e.c.Clock.Boot()-e.looked)
	if err != nil {
		e.failed(err)
		return
	}
	for _, alarm := range res.Alarms {
		e.alarm(alarm)
	}
	e.accept(res)
}

func (e *Engine) failed(err error) {
	e.failures++
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
	r := e.c.Clock.Read()
	if r.Boot-e.written > writeEvery {
		// Age goes on over a restart: a device that is kept offline does not
		// become younger by being switched off and on.
		if err := e.c.Journal.SetRecord(journal.RecordClock, e.time.Stamp(e.c.Clock, r)); err == nil {
			e.written = r.Boot
		}
	}
	e.publish(err, e.view.Load().Journal)
}

func (e *Engine) alarm(err error) {
	var said *verify.EndpointError
	if errors.As(err, &said) && !said.Lied() {
		e.c.Log.Warn("an endpoint was passed over", "error", err)
		return
	}
	e.c.Log.Error("ALARM", "error", err)
}

// accept takes a verified result: first on disk, then in memory.
func (e *Engine) accept(res *verify.Result) {
	if e.unwritten != nil && res.Head.Number < e.head.Number {
		// The reader compares with what is on disk: an endpoint that lags would
		// take back what was seen since.
		e.failed(verify.ErrLagging)
		return
	}
	r := e.c.Clock.Read()
	next := e.time.Accept(res.Head.Time, r)
	var unwritten error
	if len(res.Changes) > 0 || e.written == 0 || r.Boot-e.written > writeEvery {
		if unwritten = e.c.Journal.Apply(res, next.Stamp(e.c.Clock, r)); unwritten == nil {
			e.written = r.Boot
		}
	}
	e.failures, e.read, e.time, e.head = 0, true, next, res.Head
	if unwritten != nil {
		// What was verified counts, above all where it restricts; the reader
		// stays where the disk is, and finds it again at the next look.
		if e.view.Load().Journal == nil {
			e.c.Log.Error("the journal could not be written", "error", unwritten)
		}
		e.preview(res, unwritten)
		return
	}
	e.reader.Commit(res)
	e.unwritten = nil
	due := false
	if len(res.Changes) > 0 {
		e.changed = r.Boot
		due = e.replica.change(res.Changes)
	}
	if e.replica.widen(e.announced()) {
		due, e.more = true, true
	}
	if due {
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

// preview publishes a result that could not be written. It stays what is known,
// whatever fails next, until a look that could be written takes its place: a
// revocation that was seen is not forgotten because the network goes too.
func (e *Engine) preview(res *verify.Result, unwritten error) {
	ahead := e.replica.clone()
	ahead.change(res.Changes)
	e.unwritten = &ahead
	e.publish(nil, unwritten)
}
