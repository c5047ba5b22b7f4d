package bundle

import "testing"

func TestValidAddress(t *testing.T) {
	for s, want := range map[string]bool{
		"gate-7.example:22": true, "10.0.0.7:2222": true, "[2001:db8::7]:22": true, "h:65535": true,
		"": false, "gate-7": false, "gate-7:": false, ":22": false, "h:0": false, "h:65536": false, "h:022": false,
		"-oProxyCommand=x:22": false, "h h:22": false, "h;x:22": false, "2001:db8::7:22": false, "h:22\n": false,
	} {
		if got := ValidAddress(s); got != want {
			t.Errorf("ValidAddress(%q) = %v, want %v", s, got, want)
		}
	}
}
