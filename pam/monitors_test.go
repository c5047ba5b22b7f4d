package pam

import (
	"os"
	"testing"
	"time"

	"dpki/pam/proc"
)

func TestLastAnswerCounts(t *testing.T) {
	var m Monitors
	a, b := proc.Process{PID: 1, Start: 10}, proc.Process{PID: 1, Start: 11}
	if _, ok := m.Last(a); ok {
		t.Error("an answer that was never given")
	}
	m.Note(a, Offer{Account: "alice", Key: "A", Allow: true})
	if o, ok := m.Last(a); !ok || o != (Offer{Account: "alice", Key: "A", Allow: true}) {
		t.Errorf("got %+v, %v; want the allow of A", o, ok)
	}
	m.Note(a, Offer{Account: "alice", Key: "B"})
	if o, ok := m.Last(a); !ok || o != (Offer{}) {
		t.Errorf("got %+v, %v; want a refusal, and nothing kept of what was offered", o, ok)
	}
	if _, ok := m.Last(b); ok {
		t.Error("another process with the same id has the answer")
	}
	m.Forget(a)
	if _, ok := m.Last(a); ok {
		t.Error("forgotten, but there")
	}
}

func TestAnswersExpire(t *testing.T) {
	now := time.Now()
	m := Monitors{now: func() time.Time { return now }}
	p := proc.Process{PID: 1, Start: 1}
	m.Note(p, Offer{Allow: true})
	now = now.Add(offerAge)
	if _, ok := m.Last(p); !ok {
		t.Error("gone before its time")
	}
	now = now.Add(time.Nanosecond)
	if _, ok := m.Last(p); ok {
		t.Error("there after its time")
	}
}

// A crowd of connections neither grows the register without bound nor pushes out a login whose monitor lives.
func TestCrowdIsBounded(t *testing.T) {
	var m Monitors
	alive, err := proc.Find(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	m.Note(alive, Offer{Allow: true})
	for i := range 5 * maxMonitors {
		m.Note(proc.Process{PID: 1, Start: uint64(1<<60) + uint64(i)}, Offer{}) // none of them runs
	}
	if len(m.last) > maxMonitors {
		t.Errorf("%d answers, want at most %d", len(m.last), maxMonitors)
	}
	if _, ok := m.Last(alive); !ok {
		t.Error("a login in progress was pushed out")
	}
}
