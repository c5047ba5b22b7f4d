package verify

import (
	"errors"
	"testing"

	"dpki/registry"
	"dpki/state"
)

// Where several must agree, one proves the words and the others only have its
// block; they prove their own wherever their block is another.
func TestConfirm(t *testing.T) {
	for _, row := range []struct {
		name  string
		alter func(first, second *fakeChain)
		want  [2]int // proofs that each is asked for
		err   error
	}{
		{"the same block", func(_, _ *fakeChain) {}, [2]int{1, 0}, nil},
		{"the second is a block further", func(_, second *fakeChain) { second.mine() }, [2]int{1, 0}, nil},
		{"the second is a block further, in which something was written", func(_, second *fakeChain) { second.mine(put(zone, state.KindGrant)) }, [2]int{1, 0}, nil},
		{"the second is a block behind", func(first, _ *fakeChain) { first.mine() }, [2]int{1, 1}, nil},
		{"the first does not answer", func(first, _ *fakeChain) {
			first.tamper.head = func(r *registry.HeadReply) { r.Latest = nil }
		}, [2]int{1, 1}, ErrAgreement},
		{"the first proves nothing", func(first, _ *fakeChain) {
			first.tamper.head = func(r *registry.HeadReply) { r.Proof = nil }
		}, [2]int{3, 1}, ErrAgreement},
		{"another block of the same number, and other words", func(first, second *fakeChain) {
			second.fork++
			first.mine(put(zone, state.KindGrant))
			second.mine(put(zone, state.KindDeny))
		}, [2]int{1, 1}, ErrAgreement},
		{"another block of the same number, and the same words", func(_, second *fakeChain) { second.fork++ }, [2]int{1, 1}, nil},
		// The hash is computed again: to repeat it is not to have the block.
		{"another block under the hash that was proved", func(first, second *fakeChain) {
			second.fork++
			first.mine(put(zone, state.KindGrant))
			second.mine(put(zone, state.KindDeny))
			second.tamper.head = func(r *registry.HeadReply) {
				header := second.header(second.head())
				r.Latest = second.withHash(r.Latest, header.Hash(), first.header(first.head()).Hash())
			}
		}, [2]int{1, 1}, ErrAgreement},
		{"another chain", func(_, second *fakeChain) { second.registry.ChainID++ }, [2]int{1, 1}, ErrAgreement},
	} {
		t.Run(row.name, func(t *testing.T) {
			first := newFake(t)
			first.mine(put(zone, state.KindGrant))
			second, config := first.clone(), first.config()
			config.Policy = Agreement{K: 2}
			row.alter(first, second)
			res, err := first.readerWith(config, []state.Word{zone}, first, second).Tick(t.Context())
			if !errors.Is(err, row.err) || (err == nil) != (res != nil) {
				t.Errorf("got %v, want %v", err, row.err)
			}
			if got := [2]int{first.calls.proofs, second.calls.proofs}; got != row.want {
				t.Errorf("proofs: %v, want %v", got, row.want)
			}
		})
	}
}

// An endpoint that is asked later, since an earlier one failed, need not prove
// either.
func TestConfirmLater(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	dead, third, config := f.clone(), f.clone(), f.config()
	dead.tamper.head = func(r *registry.HeadReply) { r.ChainID = nil }
	config.Policy = Agreement{K: 2}
	tickOK(t, f.readerWith(config, []state.Word{zone}, f, dead, third))
	if f.calls.proofs != 1 || third.calls.proofs != 0 {
		t.Errorf("proofs: %d by the first, %d by the third", f.calls.proofs, third.calls.proofs)
	}
}
