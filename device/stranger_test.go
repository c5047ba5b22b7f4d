package device

import (
	"os"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/pam/proc"
)

// Whoever reaches sshd can have it ask about certificates of 24 KB, six a
// connection, as often as he connects: what is remembered of it must not fill
// the memory. A daemon that is killed for it counts as absent.
func TestStrangersFillNoMemory(t *testing.T) {
	me, err := proc.Find(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	large := authkeys.Request{Account: strings.Repeat("a", 64<<10), KeyType: "x", Key: strings.Repeat("A", 32<<10)}
	var m Monitors
	for i := range 10 * fewMonitors {
		ended := proc.Process{PID: me.PID, Start: me.Start + 1 + uint64(i)}
		for range 6 {
			m.Add(ended, Answer{Request: large, Decision: authkeys.Decision{Reason: authkeys.KeyTooLong}})
		}
	}
	if n := len(m.answers); n > fewMonitors {
		t.Errorf("%d connections are remembered, all of which have ended", n)
	}
	for p, answers := range m.answers {
		for _, a := range answers {
			if a.Request != (authkeys.Request{}) || a.Decision.Reason != authkeys.KeyTooLong {
				t.Fatalf("of %v is kept: %d bytes of key, %v", p, len(a.Request.Key), a.Decision.Reason)
			}
		}
	}

	// The twin: of an answer that lets in PAM needs the key.
	accepted := authkeys.Request{Stage: authkeys.StageOffer, Account: "alice", KeyType: "ssh-ed25519", Key: "AAAA"}
	m.Add(me, Answer{Request: accepted, Decision: authkeys.Decision{Allow: true}})
	if got := m.Answers(me); len(got) != 1 || got[0].Request != accepted {
		t.Errorf("of an accepted key is kept: %+v", got)
	}
}
