package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/state"
)

// What a session's line says, in JSON, in the journal's fields and as text: grant, device, account, fingerprint, duration, reason.
func TestSessionRecord(t *testing.T) {
	r := sessionRecordOf(session.Event{
		What: session.Ended, Reason: "the grant is revoked", Seconds: 1_234_567,
		Session: session.Session{
			Monitor: proc.Process{PID: 77, Start: 1}, Account: "alice", Service: "sshd", Remote: "192.0.2.1", Opened: 1_800_000_000, Until: 1_800_000_300,
			KeyType: "ssh-ed25519", Key: "AAAAsecret", Hash: state.Word{1}, Grant: state.Word{2}, Mode: state.ModeCertificateAndGrant,
		},
	}, "0d", time.Unix(1_800_000_100, 0))
	var out bytes.Buffer
	var fields map[string]string
	var said []string
	a := Audit{
		JSON:    &out,
		Journal: func(line string, f map[string]string, alarm bool) error { fields = f; return nil },
		Syslog:  func(line string, alarm bool) error { said = append(said, line); return nil },
	}
	if err := a.Write(r); err != nil || len(said) != 0 {
		t.Errorf("%v; syslog has %q, which the journal took", err, said)
	}
	want := map[string]string{
		"time": "2027-01-15T08:01:40Z", "event": "session ended", "device": "0d", "account": "alice", "grant": state.Word{2}.String(), "service": "sshd", "remote": "192.0.2.1", "monitor": "77",
		"opened": "1800000000", "until": "1800000300", "seconds": "1234567", "form": "monitor", "reason": "the grant is revoked", "fingerprint": r.Fingerprint,
	}
	if !maps.Equal(fields, want) {
		t.Errorf("fields %q\nwant %q", fields, want)
	}
	var object map[string]any
	if err := json.Unmarshal(out.Bytes(), &object); err != nil || len(object) != len(want) {
		t.Errorf("%s: %v", out.Bytes(), err)
	}
	if !strings.HasPrefix(r.Fingerprint, "SHA256:") || strings.Contains(out.String(), "secret") {
		t.Errorf("fingerprint %q, line %s", r.Fingerprint, out.Bytes())
	}

	// Without a journal it is syslog's.
	a.Journal = func(string, map[string]string, bool) error { return errors.New("none") }
	if err := a.Write(r); err != nil || !slices.Equal(said, []string{r.String()}) {
		t.Errorf("%v; syslog has %q", err, said)
	}
	for _, word := range []string{"session ended: ", "device=0d", `account="alice"`, "grant=02", "seconds=1234567", `reason="the grant is revoked"`} {
		if !strings.Contains(r.String(), word) {
			t.Errorf("no %q in %s", word, r)
		}
	}
}
