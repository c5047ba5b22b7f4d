package attack

import (
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness/hostile"
	"dpki/registry"
)

const (
	// slack is what may be read beyond a limit before the reader ends.
	slack = 64 << 10
	// around is what JSON-RPC may add to each result (registry/source).
	around = 4 << 10
	// lockstep is how long before a limit the bytes are counted one piece at a time.
	lockstep = 256 << 10
)

// TestEndless: answers without end are read up to their limit, and no further.
func TestEndless(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, HTTP: true})
	head := 3*registry.MaxHeader + registry.MaxProof + 5*around
	for _, row := range []struct {
		name  string
		tell  hostile.Lie
		limit int // bytes; 0 = what is sent is short
	}{
		{"the tip", hostile.Endless(`[{"jsonrpc":"2.0","id":0,"result":"`, "A", head-lockstep), head},
		{"white space", hostile.Endless("", " ", head-lockstep), head},
		{"answers", hostile.Endless("[", `{"jsonrpc":"2.0","id":0,"result":null},`, head-lockstep), head},
		{"logs", hostile.Only("eth_getLogs", hostile.Endless(`[{"jsonrpc":"2.0","id":0,"result":[`, `{"address":"0x00","topics":[]},`, registry.MaxLogs-lockstep)), registry.MaxLogs + around},
		{"unpacked", hostile.Bomb(`[{"jsonrpc":"2.0","id":0,"result":"`, "A", 64<<20), 0},
		{"names of a header", hostile.LongHeader(1 << 20), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := s.In(t)
			s.Current("before")
			e := s.Endpoints[0]
			e.Tell(row.tell)
			u := s.Granted("alice")
			s.Problem("endpoint 1")
			s.Refuses("not seen", u, authkeys.GrantUnknown)
			n := e.Count()
			if n.Altered == 0 || row.limit > 0 && n.Longest < 64<<10 {
				t.Errorf("the lie was not told: %+v", n)
			}
			if row.limit > 0 && n.Longest > row.limit+slack {
				t.Errorf("%d bytes were read, the limit is %d", n.Longest, row.limit)
			}
			t.Logf("%d bytes were read, the limit is %d", n.Longest, row.limit)
			e.Tell(nil)
			s.Until("the twin: an end", u, true)
		})
	}
	_, fetch := s.Processes()
	if peak := s.Memory(fetch, "VmHWM"); peak > 5*40<<20 {
		t.Errorf("fetch was as large as %d MB", peak>>20)
	}
	if strings.Contains(s.Daemon.Output(), "AAAA") {
		t.Error("the log repeats what was sent")
	}
}
