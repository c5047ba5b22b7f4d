package main

import (
	"flag"
	"fmt"
	"os"

	"dpki/internal/harness"
)

// sizes are how much is measured.
type sizes struct {
	pairs   int // of logins
	samples int // of what takes seconds: refreshes, revocations
	entries int // of the zone
}

func main() {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench: error: it makes a machine of its own (namespaces), which needs root\nbench: hint: sudo make bench")
		os.Exit(2)
	}
	os.Exit(harness.Isolated(run, "dpkid", "dpki-authkeys"))
}

func run() int {
	var n sizes
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&n.pairs, "pairs", 200, "pairs of logins")
	f.IntVar(&n.samples, "samples", 40, "refreshes at login; half as many revocations")
	f.IntVar(&n.entries, "entries", 10_000, "grants in the zone")
	if err := f.Parse(os.Args[1:]); err != nil || f.NArg() > 0 || n.pairs < 5 || n.samples < 4 || n.entries < 1 {
		return 2
	}
	t := &report{out: os.Stdout}
	s := &stage{}
	ok := s.play(func() { measure(s, t, n) })
	t.print()
	if !ok {
		return 1
	}
	return 0
}

// measure takes what needs quiet memory first and ends with the device.
func measure(s *stage, t *report, n sizes) {
	s.say("the decision alone")
	decisions(s, t)
	s.say("a chain, an organisation, %d grants in a zone", n.entries)
	d := newDevice(s, n.entries)
	d.joined(t)
	s.say("%d pairs of logins", n.pairs)
	d.freshLogins(t, n.pairs)
	s.say("the helper")
	d.helper(t)
	s.say("%d revocations", n.samples/2)
	d.revocations(t, n.samples/2)
	s.say("%d logins with a refresh", n.samples)
	d.refreshedLogins(t, n.samples)
	d.weigh(t)
	s.say("kill -9")
	d.killed(t)
	gas(s, t)
}
