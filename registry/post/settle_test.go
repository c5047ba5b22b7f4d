package post

import (
	"errors"
	"slices"
	"testing"
	"time"

	"dpki/internal/devchain"
)

// A transaction that another process sent is waited for, whether it is in the pool
// or came in after what was read; what was known already is not.
func TestSettle(t *testing.T) {
	d := newDesk(t, devchain.Options{})
	var told []uint64
	settle := func(since uint64, want bool) {
		t.Helper()
		told = nil
		overtaken, block, err := d.client.Settle(t.Context(), since, func(n uint64) { told = append(told, n) })
		if err != nil || overtaken != want || block != d.chain.Number() {
			t.Fatalf("overtaken %v, block %d of %d, %v; want %v", overtaken, block, d.chain.Number(), err, want)
		}
	}
	known := d.chain.Number()
	settle(known, false)
	if told != nil {
		t.Errorf("nothing was on its way, and was waited for: %v", told)
	}

	d.chain.Hold(true)
	killed := clientOf(t, d.chain, func(c *Config) { c.Wait = 100 * time.Millisecond })
	if _, err := killed.Post(t.Context(), d.call(d.write(d.org, d.put()))); !errors.Is(err, ErrTimeout) {
		t.Fatalf("mined although mining was held: %v", err)
	}
	nonce, err := d.client.count(t.Context(), "latest")
	if err != nil {
		t.Fatal(err)
	}
	var stays *UnsettledError
	later := clientOf(t, d.chain, func(c *Config) { c.Wait = time.Second })
	if _, _, err := later.Settle(t.Context(), known, func(uint64) {}); !errors.As(err, &stays) || stays.Nonce != nonce {
		t.Fatalf("got %v, want transaction %d unsettled", err, nonce)
	}
	time.AfterFunc(50*time.Millisecond, func() { d.chain.Hold(false) })
	settle(known, true)
	if !slices.Equal(told, []uint64{nonce}) {
		t.Errorf("told of %v, want %d once", told, nonce)
	}
	// It is in a block now: who has read less than that block is overtaken all the
	// same, who has read that far is not.
	settle(known, true)
	settle(d.chain.Number(), false)
	if told != nil {
		t.Errorf("mined long ago, and waited for: %v", told)
	}
}
