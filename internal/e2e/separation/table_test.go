package separation

import (
	"fmt"
	"slices"
	"strings"
)

// names are the classes in words: one of them, and several.
var names = [classes][2]string{
	userCA:      {"the users' CA", ""},
	grantsAdmin: {"the administrator of grants", ""},
	zoneAdmin:   {"the zone's administrator", ""},
	enroller:    {"the administrator of enrolment", ""},
	rootAdmin:   {"one root administrator", "%s root administrators"},
	guardian:    {"one guardian", "%s guardians"},
	neighbour:   {"another device of the zone", ""},
	itself:      {"the device", ""},
	user:        {"a user", ""},
	witnessKey:  {"one witness", "%s witnesses"},
	endpoint:    {"the endpoint", ""},
}

var numbers = [...]string{2: "two", 3: "three"}

// nothing is what is said where all goals of an area are out of reach.
var nothing = map[area]string{
	logins: "log in anywhere", after: "outlive a revocation", entries: "enter or revoke anything", rules: "change the organisation's rules",
	shows: "deceive a device", secrets: "read what is sealed",
}

// most is what is said where more than a few goals of an area are.
const (
	few  = 8
	most = "change any other rule"
)

func (s set) name() string {
	var parts []string
	for c, n := range s {
		switch {
		case n == 1:
			parts = append(parts, names[c][0])
		case n > 1:
			parts = append(parts, fmt.Sprintf(names[c][1], numbers[n]))
		}
	}
	return strings.Join(parts, " + ")
}

// alone reports whether all keys are of one class.
func (s set) alone() bool {
	n := 0
	for _, k := range s {
		if k > 0 {
			n++
		}
	}
	return n == 1
}

// outcome is which goals each set reaches.
type outcome struct {
	goals   []*goal
	reached map[set][]bool // by goal
}

// minimal reports whether the set reaches the goal and no smaller one does.
func (o *outcome) minimal(s set, goal int) bool {
	return o.reached[s][goal] && !slices.ContainsFunc(s.less(), func(l set) bool { return o.reached[l][goal] })
}

// adds are the goals for which the set is needed as it is.
func (o *outcome) adds(s set) (list []string) {
	for i, g := range o.goals {
		if o.minimal(s, i) {
			list = append(list, g.name)
		}
	}
	return list
}

// lacks is what none of these sets reaches, areas as a whole where it can be said so.
func (o *outcome) lacks(sets ...set) string {
	var list []string
	for _, a := range []area{logins, after, entries, rules, shows, secrets} {
		var some []string
		all := 0
		for i, g := range o.goals {
			if g.area != a {
				continue
			}
			all++
			if !slices.ContainsFunc(sets, func(s set) bool { return o.reached[s][i] }) {
				some = append(some, g.name)
			}
		}
		switch {
		case len(some) == all:
			some = []string{nothing[a]}
		case len(some) > few:
			some = []string{most}
		}
		list = append(list, some...)
	}
	return strings.Join(list, "; ")
}

// table is the rows: each class and number alone, then what it takes several for.
func (o *outcome) table() string {
	var b strings.Builder
	line := func(cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line("stolen", "what the thief can", "and cannot", "what ends it")
	b.WriteString("|---|---|---|---|\n")
	for c := range names {
		for n := int8(1); n <= has[c]; n++ {
			var s, fewer set
			s[c], fewer[c] = n, n-1
			adds := o.adds(s)
			if n == 3 && len(adds) == 0 {
				continue
			}
			can := strings.Join(adds, "; ")
			if slices.Contains(o.reached[fewer], true) {
				can = "what " + map[int8]string{2: "one", 3: "two"}[n] + " can; " + can
			}
			if can == "" {
				can = "nothing"
			}
			line("**"+s.name()+"**", can, o.lacks(s), s.ends())
		}
	}
	for _, r := range o.together() {
		line(r.name(), strings.Join(o.adds(r.of[0]), "; "), o.lacks(r.of...), r.answer().ends())
	}
	return b.String()
}

// row is sets that come to the same: they differ in one key.
type row struct {
	rest set
	of   []set
}

func (r row) name() string {
	if len(r.of) == 1 {
		return r.of[0].name()
	}
	var one []string
	for _, s := range r.of {
		for c := range s {
			s[c] -= r.rest[c]
		}
		one = append(one, s.name())
	}
	return r.rest.name() + " + " + strings.Join(one, ", or ")
}

// answer is what the organisation has to find out to end it: the keys that all of
// the sets have.
func (r row) answer() set {
	if len(r.of) == 1 {
		return r.of[0]
	}
	return r.rest
}

// together are the rows of sets with several classes.
func (o *outcome) together() (rows []row) {
	var list []set
	for s := range o.reached {
		if !s.alone() && len(o.adds(s)) > 0 {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b set) int {
		if a.size() != b.size() {
			return a.size() - b.size()
		}
		return -slices.Compare(a[:], b[:])
	})
	done := map[set]bool{}
	for _, s := range list {
		if done[s] {
			continue
		}
		best := row{rest: s, of: []set{s}}
		for c := range s {
			if s[c] != 1 {
				continue
			}
			r := row{rest: s}
			r.rest[c] = 0
			for _, other := range list {
				if !done[other] && o.alike(s, other) && slices.Contains(other.less(), r.rest) {
					r.of = append(r.of, other)
				}
			}
			if len(r.of) > len(best.of) {
				best = r
			}
		}
		for _, of := range best.of {
			done[of] = true
		}
		rows = append(rows, best)
	}
	return rows
}

// alike reports whether two sets add the same.
func (o *outcome) alike(a, b set) bool { return slices.Equal(o.adds(a), o.adds(b)) }
