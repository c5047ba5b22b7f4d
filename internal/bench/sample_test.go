package main

import (
	"testing"
	"time"
)

func series(from, n int) sample {
	s := make(sample, n)
	for i := range s {
		s[i] = time.Duration(from+(i*37)%n) * time.Millisecond
	}
	return s
}

func TestRatio(t *testing.T) {
	// The same series is never said to differ, and a tenth more is always seen.
	a, b := series(1000, 200), series(1000, 200)
	if r, low, high := ratio(a, b); r != 1 || low != 1 || high != 1 {
		t.Errorf("equal series: %v, %v to %v", r, low, high)
	}
	for i := range b {
		b[i] += b[i] / 10
	}
	if r, low, high := ratio(b, a); r < 1.09 || r > 1.11 || low <= 1 || high < r || low > r {
		t.Errorf("a tenth more: %v, %v to %v", r, low, high)
	}
}

func TestQuantile(t *testing.T) {
	s := sample{5, 1, 4, 2, 3}
	for _, row := range []struct {
		q    float64
		want time.Duration
	}{{0, 1}, {0.5, 3}, {0.99, 5}, {1, 5}} {
		if got := s.quantile(row.q); got != row.want {
			t.Errorf("quantile %v: %v, want %v", row.q, got, row.want)
		}
	}
	if s[0] != 5 {
		t.Error("quantile sorted its sample in place")
	}
}

func TestShort(t *testing.T) {
	for want, d := range map[string]time.Duration{"1.5 us": 1500, "250 us": 250_000, "2.50 ms": 2_500_000, "150 ms": 150e6, "1.50 s": 1500e6} {
		if got := short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := thousands(1234567); got != "1,234,567" {
		t.Error(got)
	}
}
