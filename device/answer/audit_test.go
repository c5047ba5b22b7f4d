package answer

import (
	"strings"
	"testing"
)

// Foreign text cannot break a line of syslog.
func TestAuditQuotes(t *testing.T) {
	r := Record{Account: "a\nb\" c", Reason: "x"}
	if s := r.String(); strings.ContainsAny(s, "\n") || !strings.Contains(s, `account="a\nb\" c"`) {
		t.Errorf("%q", s)
	}
}
