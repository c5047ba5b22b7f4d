package state

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"unsafe"
)

// The table's reason is its size.
func TestGrantRowSize(t *testing.T) {
	if n := unsafe.Sizeof(grantRow{}); n != 128 {
		t.Errorf("a row takes %d bytes, want 128", n)
	}
}

var twoSets = [][]Address{{{1}}, {{2}, {3}}}

// numbered is one of a history's grants; they share words, keys and authors.
func numbered(i int) *GrantFact {
	g := &GrantFact{
		Fact: Fact{Scope: Word{byte(i % 2)}, Kind: KindGrant, From: uint64(i), Until: uint64(i) + 1, Time: uint64(i) + 2,
			Block: uint64(i) + 3, Seq: uint64(i) + 4, Authors: twoSets[i%2]},
		Grant: Grant{Account: "alice", Key: Word{31: byte(i % 7)}, Flags: GrantSudo, Label: fmt.Sprint(i / 2)},
	}
	binary.BigEndian.PutUint32(g.Subject[:], uint32(i))
	if i%5 == 0 {
		g.Kind, g.Until, g.Grant.From, g.Command = KindGrantPriv, Never, "10.0.0.0/8", "true"
	}
	return g
}

// Every grant comes back as it was entered, and what ended goes.
func TestGrantTable(t *testing.T) {
	const n, end = 3000, 1000 // more than fewTexts, and several chunks
	table := newGrantTable()
	var want []*GrantFact
	for i := range n {
		g := numbered(i)
		table.add(&g.Fact, &g.Grant, uint32(i%2))
		want = append(want, g)
	}
	checkTable(t, &table, want)
	if got := table.forget(1, twoSets); got != 0 {
		t.Errorf("before all of them: %d went", got)
	}
	want = slices.DeleteFunc(want, func(g *GrantFact) bool { return g.Until <= end })
	if got := table.forget(end, twoSets); got != n-len(want) {
		t.Errorf("%d went, want %d", got, n-len(want))
	}
	checkTable(t, &table, want)
	var none grantTable
	for range none.withSubject(Word{}) {
		t.Error("the zero table holds something")
	}
	for range none.withKey(Word{}) {
		t.Error("the zero table holds something")
	}
}

// checkTable finds every grant by subject and key, and nothing else.
func checkTable(t *testing.T, table *grantTable, want []*GrantFact) {
	t.Helper()
	byKey := map[Word][]*GrantFact{}
	for _, g := range slices.Backward(want) {
		byKey[g.Key] = append(byKey[g.Key], g)
		got := table.facts(table.withSubject(g.Subject))
		if len(got) != 1 || !reflect.DeepEqual(got[0], g) {
			t.Fatalf("by subject %v:\n%+v\nwant %+v", g.Subject, got, g)
		}
	}
	for key, all := range byKey {
		if got := table.facts(table.withKey(key)); !reflect.DeepEqual(got, all) {
			t.Errorf("by key %v: %d grants, want %d, or in another order", key, len(got), len(all))
		}
	}
	if got := table.facts(table.all()); !reflect.DeepEqual(got, want) {
		t.Errorf("all: %d grants, want %d, or in another order", len(got), len(want))
	}
}

func (t *grantTable) facts(rows func(func(*grantRow) bool)) (all []*GrantFact) {
	for r := range rows {
		g := new(GrantFact)
		t.fill(g, r, twoSets)
		all = append(all, g)
	}
	return all
}

// Words that share a hash are told apart. Of so many some do.
func TestGrantTableCollisions(t *testing.T) {
	const n = 1 << 19
	table, g, shared := newGrantTable(), numbered(0), 0
	hashes := make(map[uint32]bool, n)
	for i := range n {
		binary.BigEndian.PutUint32(g.Subject[:], uint32(i))
		g.Key = g.Subject
		if h := table.hash(g.Subject); hashes[h] {
			shared++
		} else {
			hashes[h] = true
		}
		table.add(&g.Fact, &g.Grant, 0)
	}
	if shared == 0 { // 32 are expected
		t.Error("no two words share a hash")
	}
	for i := range n {
		var w Word
		binary.BigEndian.PutUint32(w[:], uint32(i))
		for name, rows := range map[string]func(func(*grantRow) bool){"subject": table.withSubject(w), "key": table.withKey(w)} {
			found := 0
			for r := range rows {
				if found++; r.subject != w {
					t.Fatalf("%s %v finds %v", name, w, r.subject)
				}
			}
			if found != 1 {
				t.Fatalf("%s %v: %d grants", name, w, found)
			}
		}
	}
}
