package answer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/socket"
)

// Endpoints that talk much, and a mailbox with a thousand deliveries, leave the operator a status that he can read; the twin is cut nowhere.
func TestStatusFitsAnAnswer(t *testing.T) {
	read := func(s device.Status) (got device.Status) {
		t.Helper()
		b, err := statusText(s)
		if err == nil {
			_, err = socket.Answer{Code: socket.Allow, Text: string(b)}.Marshal()
		}
		if err == nil {
			err = json.Unmarshal(b, &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	refused := device.Delivered{Name: "refused", Result: "the zone does not trust its CA"}
	s := device.Status{Problem: "no endpoint answers", Delivered: []device.Delivered{{Name: "a", Result: device.Superseded}, refused, {Name: "b", Result: bundle.Applied}}}
	if got := read(s); got.Problem != s.Problem || len(got.Delivered) != 3 {
		t.Errorf("the twin: %+v", got)
	}
	for i := range 1000 {
		s.Delivered = append(s.Delivered, device.Delivered{Name: fmt.Sprintf("host-%d", i), Seq: uint64(i), Result: device.Superseded})
	}
	s.Problem = strings.Repeat("\x00long", 5000)
	wordy := strings.Repeat("talk ", 4000)
	s.Successor = &device.Successor{Problem: wordy}
	for i := range 32 {
		s.Health = append(s.Health, device.EndpointHealth{Name: fmt.Sprintf("endpoint %d", i), Problem: strings.Repeat("talk ", 2000)})
	}
	if got := read(s); len(got.Delivered) != 2 || got.Delivered[0] != refused || !strings.HasPrefix(got.Problem, "\x00long") || len(got.Health) != 32 {
		t.Errorf("%d deliveries, %d endpoints, problem %.20q", len(got.Delivered), len(got.Health), got.Problem)
	} else if !strings.HasPrefix(got.Successor.Problem, "talk ") || s.Successor.Problem != wordy {
		t.Errorf("of the successor: %.20q, and what others read %.20q", got.Successor.Problem, s.Successor.Problem)
	}
	for i := range 1000 {
		s.Delivered = append(s.Delivered, device.Delivered{Name: fmt.Sprintf("key-%d", i), Seq: uint64(1000 + i), Result: bundle.Applied})
	}
	if got := read(s); len(got.Delivered) == 0 || got.Delivered[len(got.Delivered)-1].Name != "key-999" {
		t.Errorf("of a thousand in force: %d", len(got.Delivered))
	}
}

// A user who opens a thousand sessions hides neither his own nor anybody else's.
func TestSessionsInPages(t *testing.T) {
	var all []SessionRecord
	for i := range int32(1000) {
		all = append(all, SessionRecord{Account: strings.Repeat("a", 200), Fingerprint: "SHA256:x", Remote: "192.0.2.1", Monitor: 5000 - i})
	}
	seen, pages := map[int32]bool{}, 0
	for after := int32(0); ; pages++ {
		a := sessionsFrom(all, [][]byte{[]byte(fmt.Sprint(after))})
		if _, err := a.Marshal(); err != nil || a.Code != socket.Allow {
			t.Fatalf("page %d: %+v, %v", pages, a, err)
		}
		var page []SessionRecord
		if err := json.Unmarshal([]byte(a.Text), &page); err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, r := range page {
			if seen[r.Monitor] || r.Monitor <= after {
				t.Fatalf("process %d again", r.Monitor)
			}
			seen[r.Monitor], after = true, r.Monitor
		}
	}
	if len(seen) != len(all) || pages < 2 {
		t.Errorf("%d sessions on %d pages, want %d", len(seen), pages, len(all))
	}
	if a := sessionsFrom(nil, nil); a.Text != "[]" || a.Code != socket.Allow {
		t.Errorf("nobody: %+v", a)
	}
	if a := sessionsFrom(all, [][]byte{[]byte("x")}); a.Code != socket.Error {
		t.Errorf("no number: %+v", a)
	}
}
