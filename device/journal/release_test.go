package journal

import (
	"os"
	"reflect"
	"regexp"
	"strconv"
	"testing"
)

// resident is how much of a file this process has in memory, in bytes.
func resident(t *testing.T, path string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?s) ` + regexp.QuoteMeta(path) + `\n.*?\nRss:\s+(\d+) kB`).FindSubmatch(maps)
	if found == nil {
		t.Fatalf("%s is not mapped", path)
	}
	n, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// What was read leaves memory, and can be read and written again.
func TestRelease(t *testing.T) {
	path := create(t)
	j := reopen(t, path)
	h := newHistory()
	for range 300 {
		if err := j.Apply(h.tick(), nil); err != nil {
			t.Fatal(err)
		}
	}
	before, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	held := resident(t, path)
	if err := j.Release(); err != nil {
		t.Fatal(err)
	}
	if left := resident(t, path); held < 64<<10 || left > held/4 {
		t.Errorf("%d bytes were resident, %d stay", held, left)
	}
	if after, err := j.Load(); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("read again: %v", err)
	}
	if err := j.Apply(h.tick(), nil); err != nil {
		t.Errorf("written again: %v", err)
	}
}
