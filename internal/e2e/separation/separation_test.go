package separation

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dpki/internal/harness"
)

var update = flag.Bool("update", false, "write the table of docs/threat-model.md instead of comparing it")

// sets are all combinations of keys, each after those that it contains.
func sets() (list []set) {
	list = []set{{}}
	for c := range has {
		for _, s := range slices.Clone(list) {
			for n := int8(1); n <= has[c]; n++ {
				s[c] = n
				list = append(list, s)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b set) int { return a.size() - b.size() })
	return list
}

func (s set) size() (n int) {
	for _, k := range s {
		n += int(k)
	}
	return n
}

// less are the sets with one key less.
func (s set) less() (list []set) {
	for c := range s {
		if s[c] > 0 {
			s[c]--
			list = append(list, s)
			s[c]++
		}
	}
	return list
}

// play tries every goal with every combination of keys.
func play(t *testing.T, w *world) *outcome {
	t.Helper()
	o := &outcome{goals: goals(), reached: map[set][]bool{}}
	all := sets()
	for _, s := range all {
		o.reached[s] = make([]bool, len(o.goals))
		for i, g := range o.goals {
			for _, y := range g.ways {
				o.reached[s][i] = y.with(w, s) != nil || o.reached[s][i]
			}
			if !o.reached[s][i] && slices.ContainsFunc(s.less(), func(l set) bool { return o.reached[l][i] }) {
				t.Errorf("%s: not with %s, and with less", g.name, s.name())
			}
		}
	}
	// The twin of each refusal: with all keys the same goal is reached in the same
	// world, and no way is one that never succeeds.
	runs, wins := 0, map[string]int{}
	for i, g := range o.goals {
		if full := all[len(all)-1]; !o.reached[full][i] || o.reached[set{}][i] {
			t.Errorf("%s: with all keys %v, with none %v", g.name, o.reached[full][i], o.reached[set{}][i])
		}
		for _, y := range g.ways {
			runs += y.runs
			wins[y.name] += y.wins
		}
	}
	for name, n := range wins {
		if n == 0 {
			t.Errorf("nobody succeeds by %s", name)
		}
	}
	t.Logf("measured: %d combinations of stolen keys, %d goals: %d attempts, devices looked %d times", len(all), len(o.goals), runs, len(w.looks))
	return o
}

// TestSeparation plays everything, ends it, and compares the table.
func TestSeparation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	o := play(t, w)
	answers := map[set]set{}
	for _, r := range o.together() {
		for _, s := range r.of {
			answers[s] = r.answer()
		}
	}
	ended := 0
	for i, g := range o.goals {
		for s := range o.reached {
			if !o.minimal(s, i) {
				continue
			}
			answer, ok := answers[s]
			if !ok {
				answer = s
			}
			for _, y := range g.ways {
				if l := y.with(w, s); l != nil {
					l.ended(t, g, y, s, answer)
					ended++
				}
			}
		}
	}
	t.Logf("%d attempts that succeed with no key too many, each ended", ended)
	compare(t, o.table())
}

// TestWithoutWitnesses: where none are pinned, the endpoint is what the endpoint
// and two witnesses are where some are, and nothing else changes.
func TestWithoutWitnesses(t *testing.T) {
	t.Parallel()
	with, without := newWorld(t, true), newWorld(t, false)
	lies := func() (list []*way) {
		for _, g := range goals() {
			for _, y := range g.ways {
				if y.lies {
					list = append(list, y)
				}
			}
		}
		return list
	}
	pinned, plain := lies(), lies()
	wins := 0
	for _, s := range sets() {
		same := s
		if s[endpoint] > 0 {
			same[witnessKey] = max(same[witnessKey], 2)
		}
		for i := range plain {
			got, want := plain[i].with(without, s) != nil, pinned[i].with(with, same) != nil
			if got != want {
				t.Errorf("%s, with %s: %v, want %v", plain[i].name, s.name(), got, want)
			}
			if got && s[witnessKey] == 0 {
				wins++
			}
		}
	}
	if wins == 0 {
		t.Error("nobody can lie")
	}
}

const (
	begin = "<!-- written by `go test ./internal/e2e/separation -update` -->\n"
	end   = "<!-- end -->\n"
)

// compare holds the document to what was played, or writes it.
func compare(t *testing.T, table string) {
	t.Helper()
	path := filepath.Join(harness.RepoRoot(), "docs/threat-model.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("docs/threat-model.md has no place for the table, between %q and %q", begin, end)
	}
	if old == table {
		return
	}
	if !*update {
		t.Errorf("docs/threat-model.md says otherwise; go test ./internal/e2e/separation -update. Played:\n%s", table)
		return
	}
	var b bytes.Buffer
	for _, part := range []string{before, begin, table, end, after} {
		b.WriteString(part)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ended does what the row says of the keys in answer, and finds that the thief has lost what he had and
// does not get it again.
func (l *loot) ended(t *testing.T, g *goal, y *way, s, answer set) {
	t.Helper()
	what := g.name + ", by " + y.name + ", with " + s.name()
	w, c := l.world, l.c.fork()
	if s.lost() {
		c.pass(timelock)
		if !l.holds(c) {
			t.Errorf("%s: it is over, and nothing was done", what)
		}
		return
	}
	if g.area == secrets {
		again := &thief{world: w, c: c, stolen: s}
		if again.readsOn() {
			t.Errorf("%s: he reads on", what)
		}
		return
	}
	if l.recovered {
		// What two guardians have completed nobody takes back: it is to be seen before.
		again := &thief{world: w, c: w.chain.fork(), stolen: s, watched: true}
		if y.try(again) != nil {
			t.Errorf("%s: although the roots veto", what)
		}
		return
	}
	by := w.respond(c, answer)
	if g.locksOut {
		if !w.admitsAlice(c, by) {
			t.Errorf("%s: nobody gets in any more", what)
		}
	} else if l.holds(c) {
		t.Errorf("%s: it goes on", what)
	}
	if l.lying {
		return // to whoever still asks him alone he can lie again
	}
	again := &thief{world: w, c: c.fork(), stolen: s}
	if holds := y.try(again); holds != nil && holds(again.c) {
		t.Errorf("%s: he does it again", what)
	}
}
