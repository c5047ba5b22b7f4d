package answer

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/state"
)

// A name stands for one thing in every line: whoever counts break-glass reads no kinds of line apart.
func TestBreakGlassInEveryLine(t *testing.T) {
	for _, used := range []bool{false, true} {
		v, s := Verdict{View: &device.View{}}, session.Session{Mode: state.ModeCertificateAndGrant}
		if used {
			v.BreakGlass, s.Mode = "root.keys", 0
		}
		for _, l := range []line{
			recordOf(authkeys.Request{Account: "root"}, v, proc.Process{}, time.Unix(1, 0)),
			sessionRecordOf(session.Event{Session: s}, "gate-7", time.Unix(1, 0)),
		} {
			b, err := json.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			var read struct {
				BreakGlass bool `json:"break_glass"`
			}
			if err := json.Unmarshal(b, &read); err != nil || read.BreakGlass != used || l.alarm() != used {
				t.Errorf("%s: %v, alarm %v; want %v", b, err, l.alarm(), used)
			}
		}
	}
}

// Foreign text cannot break a line of syslog.
func TestAuditQuotes(t *testing.T) {
	r := Record{Account: "a\nb\" c", Reason: "x"}
	if s := r.String(); strings.ContainsAny(s, "\n") || !strings.Contains(s, `account="a\nb\" c"`) {
		t.Errorf("%q", s)
	}
}
