package nearest

import (
	"cmp"
	"slices"
)

// Names are those that a word is at most 1 + a third of their length edits away
// from, the nearest first and each once; names as near stand in the order of
// their bytes. A name that shares no byte with the word is not among them.
func Names(word string, names []string) []string {
	type scored struct {
		name  string
		edits int
	}
	var near []scored
	for _, n := range names {
		if d := distance(word, n); d <= 1+len(n)/3 && d < len(n) {
			near = append(near, scored{n, d})
		}
	}
	slices.SortFunc(near, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.name, b.name))
	})
	var found []string
	for _, n := range slices.Compact(near) {
		found = append(found, n.name)
	}
	return found
}

// distance is Levenshtein's: single-byte edits from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
