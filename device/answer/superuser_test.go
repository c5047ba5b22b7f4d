package answer

import "testing"

func TestSuperuser(t *testing.T) {
	for account, want := range map[string]bool{"root": true, "daemon": false, "no-such-account": false, "": false} {
		if got := superuser(account); got != want {
			t.Errorf("%q: %v, want %v", account, got, want)
		}
	}
}
