package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// sample is a series of measured times.
type sample []time.Duration

// quantile is the value below which q of the sample lies.
func (s sample) quantile(q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (s sample) median() time.Duration { return s.quantile(0.5) }

// spread is the middle half.
func (s sample) spread() string {
	return fmt.Sprintf("%s to %s", short(s.quantile(0.25)), short(s.quantile(0.75)))
}

// ratio compares a with b by their medians, with the 95 % interval of a bootstrap over pairs.
func ratio(a, b sample) (r, low, high float64) {
	const rounds = 2000
	random := rand.New(rand.NewPCG(1, 2)) // the same measurements give the same interval
	all := make([]float64, rounds)
	ra, rb := make(sample, len(a)), make(sample, len(b))
	for i := range all {
		for j := range ra {
			k := random.IntN(len(a))
			ra[j], rb[j] = a[k], b[k]
		}
		all[i] = float64(ra.median()) / float64(rb.median())
	}
	slices.Sort(all)
	return float64(a.median()) / float64(b.median()), all[rounds*25/1000], all[rounds*975/1000]
}

// short prints a time with three digits.
func short(d time.Duration) string {
	switch {
	case d < 100*time.Microsecond:
		return fmt.Sprintf("%.1f us", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f us", float64(d)/1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.2f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
