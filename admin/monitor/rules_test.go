package monitor

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/state"
)

const fullRules = `version = 1
every = "5s"
stalled = "3m"
silent = "168h"
witness = "1m"
timezone = "UTC"
authors = ["0x00000000000000000000000000000000000000AA"]
[hours]
days = ["mon", "fri"]
from = "08:00"
to = "18:30"
[[sink]]
name = "log"
type = "syslog"
[[sink]]
name = "page"
type = "exec"
argv = ["/usr/bin/page", "--loud"]
on = ["admin", "freeze"]
timeout = "5s"
`

func TestRules(t *testing.T) {
	r, err := ParseRules([]byte(fullRules))
	if err != nil {
		t.Fatal(err)
	}
	if r.Every != 5*time.Second || r.Stalled != 3*time.Minute || len(r.Authors) != 1 || len(r.Sinks) != 2 || r.Sinks[1].Timeout != 5*time.Second || !r.Sinks[0].Wants(CA) || r.Sinks[1].Wants(CA) {
		t.Errorf("read as %+v", r)
	}
	for text, want := range map[string]bool{
		"2026-11-23T08:00:00Z": true, "2026-11-23T07:59:59Z": false, "2026-11-23T18:29:59Z": true, "2026-11-23T18:30:00Z": false, "2026-11-24T12:00:00Z": false, "2026-11-27T12:00:00Z": true,
	} {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Hours.Contains(at); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for name, edit := range map[string][2]string{
		"version": {"version = 1", "version = 2"}, "unknown field": {"every =", "evry ="}, "every": {`"5s"`, `"0.1s"`}, "a day": {`"mon"`, `"monday"`}, "hours": {`"08:00"`, `"8:00"`},
		"backwards": {`"08:00"`, `"19:00"`}, "author": {"AA\"", "\""}, "kind": {`"freeze"`, `"frozen"`}, "relative": {`"/usr/bin/page"`, `"page"`}, "type": {`"syslog"`, `"mail"`},
		"name twice": {`"page"`, `"log"`}, "no name": {`"page"`, `""`}, "timezone": {`"UTC"`, `"Mars/Olympus"`}, "no timeout": {`timeout = "5s"`, `timeout = "0s"`}, "negative": {`"3m"`, `"-3m"`},
	} {
		if _, err := ParseRules([]byte(strings.Replace(fullRules, edit[0], edit[1], 1))); !errors.Is(err, ErrRules) {
			t.Errorf("%s: %v, want ErrRules", name, err)
		}
	}
}

// Each rule with its twin: an entry that meets it, and one that does not.
func TestAbout(t *testing.T) {
	r, err := ParseRules([]byte(fullRules))
	if err != nil {
		t.Fatal(err)
	}
	known, stranger := r.Authors, []state.Address{{1}}
	friday, night := uint64(1795780800), uint64(1795748400) // 2026-11-27 12:00 and 03:00
	e := func(a state.Action, k state.Kind, authors []state.Address, at uint64) *state.Entry {
		return &state.Entry{Action: a, Kind: k, Authors: authors, Time: at}
	}
	for _, row := range []struct {
		entry *state.Entry
		want  []string
	}{
		{e(state.ActionPut, state.KindGrant, known, friday), nil},
		{e(state.ActionPut, state.KindGrant, known, night), []string{Hours}},
		{e(state.ActionPut, state.KindGrantPriv, known, night), []string{Hours}},
		{e(state.ActionRevoke, state.KindGrant, known, night), nil},
		{e(state.ActionPut, state.KindGrant, stranger, friday), []string{Author}},
		{e(state.ActionPut, state.KindGrant, append(slices.Clone(stranger), known...), friday), []string{Author}},
		{e(state.ActionPut, state.KindAdmin, known, friday), []string{Admin}},
		{e(state.ActionRevoke, state.KindAdmin, known, friday), []string{Admin}},
		{e(state.ActionPut, state.KindCAUser, known, friday), []string{CA}},
		{e(state.ActionPut, state.KindCAHost, known, friday), []string{CA}},
		{e(state.ActionPut, state.KindLimit, known, friday), []string{Threshold}},
		{e(state.ActionPut, state.KindPolicy, known, friday), []string{Policy}},
		{e(state.ActionPut, state.KindZone, known, friday), []string{Zone}},
		{e(state.ActionPut, state.KindGuardian, known, friday), []string{Guardian}},
		{e(state.ActionFreeze, state.KindGuardian, known, friday), []string{Freeze}},
		{e(state.ActionRecover, state.KindGuardian, stranger, friday), []string{Recovery, Author}},
		{e(state.ActionComplete, state.KindGuardian, known, friday), []string{Recovery}},
		{e(state.ActionVeto, state.KindGuardian, known, friday), []string{Veto}},
		{e(state.ActionVeto, state.KindPointer, known, friday), []string{Veto}},
		{e(state.ActionPut, state.KindDistrust, known, friday), []string{Distrust}},
		{e(state.ActionPut, state.KindPointer, known, friday), []string{Pointer}},
		{e(state.ActionPut, state.KindDeny, known, night), nil},
		{e(state.ActionPut, state.KindBatch, known, night), nil},
		{e(state.Action(9), state.KindBatch, known, friday), []string{Guardian}},
	} {
		if got := r.about(row.entry); !slices.Equal(got, row.want) {
			t.Errorf("%s %s by %v: %v, want %v", row.entry.Action, row.entry.Kind, row.entry.Authors, got, row.want)
		}
	}
	r.Authors, r.Hours = nil, nil
	if got := r.about(e(state.ActionPut, state.KindGrant, stranger, night)); got != nil {
		t.Errorf("without these rules: %v", got)
	}
}

func FuzzRules(f *testing.F) {
	f.Add([]byte(fullRules))
	f.Add([]byte("version = 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRules(b)
		if err == nil && (len(r.Sinks) == 0 || r.Every < time.Second || r.Location == nil) {
			t.Errorf("%q was read as %+v", b, r)
		}
	})
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"version":1,"org":"` + state.Word{1}.String() + `","scopes":{},"conditions":{},"pending":[]}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMemory(b, state.Word{1})
		if err == nil && (m.Scopes == nil || m.Org != state.Word{1}) {
			t.Errorf("%q was read", b)
		}
	})
}
