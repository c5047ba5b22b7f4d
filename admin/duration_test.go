package admin

import (
	"errors"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"5m": 5 * time.Minute, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "2w": 336 * time.Hour, "1w2d3h4m5s": 788645 * time.Second,
		"1s": time.Second, "90s": 90 * time.Second,
		"": 0, "5": 0, "m": 0, "5M": 0, "-5m": 0, "+5m": 0, "5 m": 0, "5m ": 0, "1.5h": 0, "0s": 0, "0m0s": 0, "5m1h": 0, "5m5m": 0, "1y": 0,
		"9999999999s": 0, "999999999w999999999d": 0, "5ms": 0, "５m": 0,
	} {
		got, err := ParseDuration(in)
		var p *Problem
		if got != want || (want == 0) != errors.As(err, &p) {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
		if p != nil && (p.Class != Usage || p.Hint == "") {
			t.Errorf("ParseDuration(%q): class %d, hint %q", in, p.Class, p.Hint)
		}
	}
}

func TestLength(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "5m": 5 * time.Minute, "1m30s": 90 * time.Second, "1d": 24 * time.Hour, "400d": 400 * 24 * time.Hour, "1d1h1m1s": 25*time.Hour + 61*time.Second,
	} {
		got := Length(d)
		if got != want {
			t.Errorf("Length(%v) = %q, want %q", d, got, want)
		}
		if back, err := ParseDuration(got); d > 0 && (err != nil || back != d) {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", got, back, err, d)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"5m", "1h30m", "2w", "", "999999999w", "5m1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil && (d < time.Second || d%time.Second != 0) {
			t.Errorf("ParseDuration(%q) = %v", s, d)
		}
	})
}
