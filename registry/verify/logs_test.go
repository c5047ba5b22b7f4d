package verify

import (
	"errors"
	"strings"
	"testing"

	"dpki/registry"
	"dpki/state"
)

func logsCase(t testing.TB) (*fakeChain, []ScopedEntry, string) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant), put(mailbox, state.KindDeny), put(f.org, state.KindZone))
	entries := f.blocks[f.head()].entries
	return f, entries, string(f.logsJSON(entries))
}

func TestParseLogs(t *testing.T) {
	f, want, raw := logsCase(t)
	got, err := ParseLogs([]byte(raw), f.registry.Contract, f.org)
	if err != nil || len(got) != len(want) {
		t.Fatalf("got %d entries, %v, want %d", len(got), err, len(want))
	}
	for i := range got {
		g, err := got[i].Entry.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		w, err := want[i].Entry.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got[i].Scope != want[i].Scope || string(g) != string(w) {
			t.Errorf("entry %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if got, err := ParseLogs([]byte("[]"), f.registry.Contract, f.org); err != nil || len(got) != 0 {
		t.Errorf("no logs: got %v, %v", got, err)
	}
}

// Each row changes one thing in the accepted answer above.
func TestParseLogsRefuses(t *testing.T) {
	f, _, raw := logsCase(t)
	replace := func(old, new string) string { return strings.Replace(raw, old, new, 1) }
	rows := map[string]string{
		"foreign address":     replace(f.registry.Contract.String(), "0xc100000000000000000000000000000000000000"),
		"foreign org":         replace("0x"+f.org.String(), "0x0b"+strings.Repeat("00", 31)),
		"removed":             replace(`"removed":false`, `"removed":true`),
		"removed as text":     replace(`"removed":false`, `"removed":"false"`),
		"unknown event":       replace(state.EventTopic.String(), strings.Repeat("12", 32)),
		"a topic fewer":       replace(`,"0x`+zone.String()+`"`, ""),
		"a topic more":        replace(`"0x`+zone.String()+`"`, `"0x`+zone.String()+`","0x`+zone.String()+`"`),
		"short topic":         replace("0x"+zone.String(), "0x20"),
		"block number text":   replace(`"blockNumber":"0x2"`, `"blockNumber":2`),
		"block number padded": replace(`"blockNumber":"0x2"`, `"blockNumber":"0x02"`),
		"block number absent": replace(`"blockNumber"`, `"number"`),
		"data with no prefix": replace(`"data":"0x`, `"data":"`),
		"data cut":            replace(`"data":"0x00`, `"data":"0x`),
		"data not zero":       replace(`"data":"0x00`, `"data":"0x01`),
		"object":              "{}",
		"null":                "null",
		"empty":               "",
		"cut off":             raw[:len(raw)-1],
		"trailing data":       raw + "[]",
		"numbers":             "[1,2]",
		"too deep":            `[{"a":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + "}]",
		"too large":           `[{"a":"` + strings.Repeat("a", registry.MaxLogs) + `"}]`,
	}
	for name, text := range rows {
		t.Run(name, func(t *testing.T) {
			if text == raw {
				t.Fatal("the row changes nothing")
			}
			if got, err := ParseLogs([]byte(text), f.registry.Contract, f.org); !errors.Is(err, ErrLogs) || got != nil {
				t.Errorf("got %v, %v, want ErrLogs", got, err)
			}
		})
	}
}

func FuzzParseLogs(f *testing.F) {
	chain, _, raw := logsCase(f)
	f.Add([]byte(raw))
	f.Add([]byte("[]"))
	f.Add([]byte(`[{"address":"0x","topics":[],"data":"0x"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := ParseLogs(raw, chain.registry.Contract, chain.org)
		if err != nil {
			if !errors.Is(err, ErrLogs) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		// What was accepted can be written as logs again, and reads the same.
		again, err := ParseLogs(chain.logsJSON(entries), chain.registry.Contract, chain.org)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("again: %d entries, %v, want %d", len(again), err, len(entries))
		}
	})
}
