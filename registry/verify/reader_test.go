package verify

import (
	"errors"
	"slices"
	"testing"

	"dpki/state"
)

func TestReaderFollows(t *testing.T) {
	f := newFake(t)
	scopes := []state.Word{f.org, zone, mailbox}
	f.mine(put(f.org, state.KindZone))
	f.mine(put(zone, state.KindGrant), put(zone, state.KindGrant))
	f.mine()
	f.final = 2
	r := f.reader(scopes, f)

	res := tickOK(t, r)
	if len(res.Changes) != 3 || res.Head.Number != 4 || res.Head.Finalized != 2 || res.Head.Time != f.blocks[4].time {
		t.Fatalf("first: %d changes, head %+v", len(res.Changes), res.Head)
	}
	for scope, want := range map[state.Word]string{
		f.org: "confirmed 1 overlay 0 sticky 0", zone: "confirmed 0 overlay 2 sticky 0", mailbox: "confirmed 0 overlay 0 sticky 0",
	} {
		if got := summary(r, scope); got != want {
			t.Errorf("%s: %s, want %s", scope, got, want)
		}
	}

	// Nothing new costs one look at the tip and no logs.
	f.calls.logs, f.calls.head = 0, 0
	f.mine()
	if res := tickOK(t, r); len(res.Changes) != 0 || res.Head.Number != 5 || f.calls.logs != 0 || f.calls.head != 1 {
		t.Errorf("nothing new: %+v, %+v", res.Changes, f.calls)
	}

	// Two scopes moved: one question for logs, of the new blocks alone.
	f.mine(put(zone, state.KindGrant), put(mailbox, state.KindGrant))
	res = tickOK(t, r)
	if len(res.Changes) != 2 || f.calls.logs != 1 {
		t.Errorf("two moved: %d changes, %d calls", len(res.Changes), f.calls.logs)
	}
	for _, c := range res.Changes {
		if c.Rebuilt || len(c.Added) != 1 || len(c.Confirmed) != 0 {
			t.Errorf("%s: %+v", c.Scope, c)
		}
	}

	// Finality confirms without a question for logs.
	f.final = 6
	f.calls.logs = 0
	res = tickOK(t, r)
	if got, want := summary(r, zone), "confirmed 3 overlay 0 sticky 0"; got != want || f.calls.logs != 0 {
		t.Errorf("zone %s, want %s; %d calls", got, want, f.calls.logs)
	}
	for _, c := range res.Changes {
		if len(c.Added) != 0 || c.Rebuilt || len(c.Confirmed) == 0 {
			t.Errorf("%s: %+v", c.Scope, c)
		}
	}
}

// The journal of another process is all that a reader needs to go on.
func TestReaderGoesOnAfterARestart(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	f.mine(put(zone, state.KindGrant))
	f.final = 2
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)

	config := f.config()
	config.Known = r.Known()
	for scope, l := range config.Known.Scopes {
		l.tip = nil // what does not go through a journal
		config.Known.Scopes[scope] = l
	}
	again := f.readerWith(config, []state.Word{zone}, f)
	f.mine(put(zone, state.KindGrant))
	f.calls.logs = 0
	res := tickOK(t, again)
	if len(res.Changes) != 1 || len(res.Changes[0].Added) != 1 || res.Changes[0].Rebuilt || f.calls.logs != 1 {
		t.Errorf("got %+v after %d calls, want one entry by one", res.Changes, f.calls.logs)
	}
	if got, want := summary(again, zone), "confirmed 1 overlay 2 sticky 0"; got != want {
		t.Errorf("zone %s, want %s", got, want)
	}
}

// Until Commit nothing counts: what could not be written to disk is found again.
func TestReaderForgetsWhatWasNotCommitted(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	r := f.reader([]state.Word{zone}, f)
	for range 2 {
		res, err := r.Tick(t.Context())
		if err != nil || len(res.Changes) != 1 || len(res.Changes[0].Added) != 1 {
			t.Fatalf("got %+v, %v", res, err)
		}
	}
}

func TestReaderFollowsAnotherScopeLater(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant), put(mailbox, state.KindGrant))
	f.final = 2
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	f.mine(put(mailbox, state.KindGrant))
	if err := r.Follow(zone, mailbox, zone); err != nil {
		t.Fatal(err)
	}
	res := tickOK(t, r)
	if len(res.Changes) != 1 || res.Changes[0].Scope != mailbox || len(res.Changes[0].Added) != 2 || len(res.Changes[0].Confirmed) != 1 {
		t.Errorf("got %+v", res.Changes)
	}
	// Not followed for a while, and then again: what was confirmed still is.
	if err := r.Follow(zone); err != nil {
		t.Fatal(err)
	}
	tickOK(t, r)
	f.mine(put(mailbox, state.KindGrant))
	tickOK(t, r)
	if err := r.Follow(zone, mailbox); err != nil {
		t.Fatal(err)
	}
	res = tickOK(t, r)
	if got, want := summary(r, mailbox), "confirmed 1 overlay 2 sticky 0"; got != want || len(res.Changes) != 1 {
		t.Errorf("mailbox %s, want %s", got, want)
	}
}

func TestReaderConfig(t *testing.T) {
	f := newFake(t)
	e := Endpoint{Name: "a", Source: f}
	for name, endpoints := range map[string][]Endpoint{"none": nil, "twice": {e, e}} {
		if _, err := NewReader(f.config(), endpoints); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
	config := f.config()
	config.Policy = Agreement{K: 2}
	if _, err := NewReader(config, []Endpoint{e}); !errors.Is(err, ErrConfig) {
		t.Errorf("two of one: got %v, want ErrConfig", err)
	}
	r, err := NewReader(f.config(), []Endpoint{e})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Tick(t.Context()); !errors.Is(err, ErrConfig) {
		t.Errorf("no scopes: got %v, want ErrConfig", err)
	}
	many := make([]state.Word, maxScopes+1)
	for i := range many {
		many[i] = state.Word{byte(i)}
	}
	if err := r.Follow(many...); !errors.Is(err, ErrConfig) {
		t.Errorf("%d scopes: got %v, want ErrConfig", len(many), err)
	}
}

// A caller's journal cannot be changed by later ticks.
func TestKnownIsACopy(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	before := r.Known()
	overlay := slices.Clone(before.Scopes[zone].Overlay)
	f.mine(put(zone, state.KindGrant))
	f.final = 2
	tickOK(t, r)
	if got := before.Scopes[zone].Overlay; len(got) != len(overlay) || got[0].Subject != overlay[0].Subject {
		t.Errorf("the copy changed: %v", got)
	}
}
