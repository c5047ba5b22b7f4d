package kills

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// phase is what a daemon is doing, by the last line of its log.
type phase string

const (
	syncing    phase = "reading the chain"
	applying   phase = "writing to the journal"
	compacting phase = "making the journal smaller"
	between    phase = "doing something else"
)

// phases are what is aimed at. What is hit may be another one.
var phases = []phase{syncing, applying, compacting}

// marks are the messages with which a phase begins and ends.
var marks = map[phase]struct{ begin, end string }{
	syncing:    {"msg=looking", "msg=looked"},
	applying:   {"msg=writing", "msg=written"},
	compacting: {"msg=compacting", "msg=compacted"},
}

// after is the phase that a line of the log begins; ok is false where it begins
// none.
func after(line string) (p phase, ok bool) {
	for p, m := range marks {
		if strings.Contains(line, m.begin) {
			return p, true
		}
		if strings.Contains(line, m.end) {
			return between, true
		}
	}
	return "", false
}

// tally counts kills, and knows how long phases last.
type tally struct {
	mu     sync.Mutex
	kills  map[phase]int
	lasted map[phase][]time.Duration
}

func newTally() *tally { return &tally{kills: map[phase]int{}, lasted: map[phase][]time.Duration{}} }

func (t *tally) killed(p phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kills[p]++
}

// saw notes how long a phase lasted that nobody interrupted.
func (t *tally) saw(p phase, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lasted[p] = append(t.lasted[p], d)
}

// usually is how long a phase lasts, the median.
func (t *tally) usually(p phase) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := slices.Clone(t.lasted[p])
	if len(all) == 0 {
		return 2 * time.Millisecond
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (t *tally) of(p phase) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kills[p]
}

// rarest is the phase that was hit least.
func (t *tally) rarest() phase {
	return slices.MinFunc(phases, func(a, b phase) int { return t.of(a) - t.of(b) })
}

func (t *tally) sum() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.kills {
		n += k
	}
	return n
}

func (t *tally) String() string {
	var parts []string
	for _, p := range append(slices.Clone(phases), between) {
		parts = append(parts, fmt.Sprintf("%d while %s (usually %v)", t.of(p), p, t.usually(p).Round(10*time.Microsecond)))
	}
	return strings.Join(parts, ", ")
}
