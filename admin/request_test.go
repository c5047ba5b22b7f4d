package admin

import (
	"context"
	"errors"
	"testing"
)

// Only what is open is ever granted: an entry that expired, a file that was
// answered, and what has no standing at all.
func TestOnlyOpenRequestsAreApproved(t *testing.T) {
	for _, row := range []struct {
		answered, inForce bool
		want              string
	}{
		{false, true, requestOpen}, {false, false, requestExpired}, {true, true, requestAnswered}, {true, false, requestAnswered},
	} {
		if got := requestStanding(row.answered, row.inForce); got != row.want {
			t.Errorf("answered %v, in force %v: %s, want %s", row.answered, row.inForce, got, row.want)
		}
	}
	for _, standing := range []string{requestExpired, requestAnswered, ""} {
		_, err := (&Desk{}).ApproveRequest(context.Background(), &Request{Standing: standing, seconds: 900}, Approval{})
		var p *Problem
		if !errors.As(err, &p) || p.Class != No {
			t.Errorf("%q: %v", standing, err)
		}
	}
}
