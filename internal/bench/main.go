package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"dpki/internal/harness"
)

// sizes are how much is measured.
type sizes struct {
	pairs   int // of logins
	samples int // of what takes seconds: refreshes, revocations, deliveries
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
	f.IntVar(&n.samples, "samples", 40, "refreshes at login; half as many revocations and deliveries")
	f.IntVar(&n.entries, "entries", 10_000, "grants in the zone")
	only := f.String("only", "", "measure these parts alone, separated by commas: "+strings.Join(names(), ", "))
	if err := f.Parse(os.Args[1:]); err != nil || f.NArg() > 0 || n.pairs < 5 || n.samples < 4 || n.entries < 1 {
		return 2
	}
	chosen, err := choose(*only)
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: error: %v\n", err)
		return 2
	}
	t := &report{out: os.Stdout}
	s := &stage{}
	ok := s.play(func() { measure(s, t, n, chosen) })
	t.print()
	if !ok {
		return 1
	}
	return 0
}

// part is something that is measured. One that wants no device is given nil.
type part struct {
	name   string
	device bool // it wants the device in its zone
	do     func(*stage, *bench, *report, sizes)
}

// parts are in their order: what needs quiet memory first, and the device's own
// memory after everything that the others have asked of it.
var parts = []part{
	{"decision", false, func(s *stage, _ *bench, t *report, _ sizes) { decisions(s, t) }},
	{"join", true, func(_ *stage, d *bench, t *report, _ sizes) { d.joined(t) }},
	{"logins", true, func(_ *stage, d *bench, t *report, n sizes) { d.freshLogins(t, n.pairs) }},
	{"module", true, func(_ *stage, d *bench, t *report, n sizes) { d.moduleLogins(t, n.pairs) }},
	{"helper", true, func(_ *stage, d *bench, t *report, _ sizes) { d.helper(t) }},
	{"revocations", true, func(_ *stage, d *bench, t *report, n sizes) { d.revocations(t, n.samples/2) }},
	{"deliveries", true, func(_ *stage, d *bench, t *report, n sizes) { d.deliveries(t, n.samples/2) }},
	{"refreshes", true, func(_ *stage, d *bench, t *report, n sizes) { d.refreshedLogins(t, n.samples) }},
	{"memory", true, func(_ *stage, d *bench, t *report, _ sizes) { d.weigh(t) }},
	{"kill", true, func(_ *stage, d *bench, t *report, _ sizes) { d.killed(t) }},
	{"traffic", false, func(s *stage, _ *bench, t *report, n sizes) { traffic(s, t, n.entries) }},
	{"gas", false, func(s *stage, _ *bench, t *report, _ sizes) { gas(s, t); others(s, t) }},
}

func names() (all []string) {
	for _, p := range parts {
		all = append(all, p.name)
	}
	return all
}

// choose is the parts with these names, all of them for the empty text.
func choose(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.Contains(names(), name) {
			return nil, fmt.Errorf("no part %q; there are %s", name, strings.Join(names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p part) bool { return !slices.Contains(wanted, p.name) }), nil
}

func measure(s *stage, t *report, n sizes, chosen []part) {
	var d *bench
	for _, p := range chosen {
		if p.device && d == nil {
			s.say("a chain, an organisation, %d grants in a zone", n.entries)
			d = newDevice(s, n.entries)
		}
		s.say("%s", p.name)
		p.do(s, d, t, n)
	}
}
