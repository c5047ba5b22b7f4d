package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// weight is what both processes of the daemon weigh, in bytes. Their VmRSS is
// the sum of the parts; share counts once what both map.
type weight struct {
	program, journal, heap int
	share                  int
}

func (w weight) total() int { return w.program + w.journal + w.heap }

// weighed is what both processes weigh now. The most is kept.
func (d *bench) weighed() int {
	run, fetch := d.Processes()
	now := weight{share: d.Share(run) + d.Share(fetch)}
	for _, pid := range []int{run, fetch} {
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
		d.Must(err)
		now.add(string(maps))
	}
	if now.total() > d.heavy.total() {
		d.heavy = now
	}
	return now.total()
}

// mapping is the first line of one in /proc/PID/smaps, whose name is what stands
// behind the inode (proc(5)).
var mapping = regexp.MustCompile(`^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$`)

// add takes the mappings of one process.
func (w *weight) add(smaps string) {
	name := ""
	for line := range strings.Lines(smaps) {
		line = strings.TrimSpace(line)
		if m := mapping.FindStringSubmatch(line); m != nil {
			name = m[1]
			continue
		}
		size, ok := strings.CutPrefix(line, "Rss:")
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
		if err != nil {
			continue
		}
		switch n <<= 10; {
		case strings.HasSuffix(name, "/journal"):
			w.journal += n
		case strings.HasPrefix(name, "/"):
			w.program += n
		default: // anonymous: what the runtime allocates, and stacks
			w.heap += n
		}
	}
}

// weigh reports the memory, after everything that the bench has asked of them:
// the most of this moment and of the one after joining.
func (d *bench) weigh(t *report) {
	const bar = 40 << 20
	var settled []int
	for range 10 {
		settled = append(settled, d.weighed())
		time.Sleep(200 * time.Millisecond)
	}
	slices.Sort(settled)
	w := d.heavy
	t.add(fmt.Sprintf("resident, both processes, %s entries", thousands(d.entries)), megabytes(w.total()), "40 MB", w.total() <= bar,
		fmt.Sprintf("the program %s, the journal %s, what they allocated %s; the program's text, which both map, counted once: %s; settled: %s",
			megabytes(w.program), megabytes(w.journal), megabytes(w.heap), megabytes(w.share), megabytes(settled[len(settled)/2])))
	run, fetch := d.Processes()
	t.note("most that was resident, while joining", megabytes(d.Memory(run, "VmHWM")+d.Memory(fetch, "VmHWM")), "each process's own peak")
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }
