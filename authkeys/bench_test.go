package authkeys

import (
	"crypto/elliptic"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// fill adds n live grants for other keys.
func (w *world) fill(n int) {
	e := state.Entry{Action: state.ActionPut, Kind: state.KindGrant, Block: 50, Time: now - 3600, From: now - 60, Until: now + 3600, Authors: []state.Address{admin}}
	for i := range n {
		var id state.Word
		binary.BigEndian.PutUint64(id[:], uint64(i)+1)
		b, err := state.Grant{Account: "alice", Key: id, Flags: state.GrantPTY}.Marshal()
		if err != nil {
			w.t.Fatal(err)
		}
		e.Seq, e.Subject, e.Data = uint64(i)+1, id, b
		w.confirmed.Apply(w.scopes, w.scopes.Zone, &e, clear{})
	}
}

// BenchmarkDecide measures one decision from sshd's text to the line, signature check included, beside n live grants. The
// design's bar: 100 us at the 99th percentile with Ed25519, at 10,000 and at 1,000,000.
func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 1_000_000} {
		l := newLogin(b)
		l.fill(n)
		req, s, at := l.build() // Ed25519; the other authorities join the same State
		for _, alg := range []struct {
			name string
			ca   ssh.Signer
		}{{"Ed25519", l.ca}, {"ECDSA-P256", ecdsaKey(b, elliptic.P256())}, {"RSA-3072", rsaKey(b, 3072)}} {
			l.add(entry{scope: l.scopes.Zone, kind: state.KindCAUser, subject: word(alg.name), from: 1, until: now + 3600,
				payload: state.CA{Key: profile.Hash(alg.ca.PublicKey())}})
			l.ca = alg.ca
			l.offer()
			req = l.req
			b.Run(fmt.Sprintf("%s/grants=%d", alg.name, n), func(b *testing.B) { measure(b, req, s, at) })
		}
		runtime.KeepAlive(l)
	}
}

func measure(b *testing.B, req Request, s *state.State, at Now) {
	took := make([]time.Duration, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		d := Decide(req, s, at)
		took = append(took, time.Since(start))
		if !d.Allow {
			b.Fatal(d.Text())
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-us")
}

// The bar times five, so that a mistake that costs a scan over all grants is found and a busy machine is not.
func TestDecisionIsFast(t *testing.T) {
	const bar = 100 * time.Microsecond
	l := newLogin(t)
	l.fill(10_000)
	req, s, at := l.build()
	best := time.Hour
	for range 5 {
		took := make([]time.Duration, 200)
		for i := range took {
			start := time.Now()
			if d := Decide(req, s, at); !d.Allow {
				t.Fatal(d.Text())
			}
			took[i] = time.Since(start)
		}
		slices.Sort(took)
		best = min(best, took[len(took)/2])
	}
	if best > 5*bar {
		t.Errorf("the median is %v, five times the bar for p99 is %v", best, 5*bar)
	}
}

// A stranger's certificate must cost less than an accepted one: its signature is not looked at.
func BenchmarkStranger(b *testing.B) {
	l := newLogin(b)
	l.sign = func(c *ssh.Certificate, _ ssh.Signer) { sign(b, c, key(b, "stranger")) }
	req, s, at := l.build()
	b.ReportAllocs()
	for b.Loop() {
		if d := Decide(req, s, at); d.Reason != CAUnknown {
			b.Fatal(d.Reason)
		}
	}
}
