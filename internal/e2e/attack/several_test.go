package attack

import (
	"fmt"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness/hostile"
	"dpki/registry/verify"

	"github.com/ethereum/go-ethereum/core/types"
)

// TestFewerThanAgree: two of three must agree, and one lies, whichever it is.
// Grants count and revocations count under the lie, and the liar is named.
func TestFewerThanAgree(t *testing.T) {
	chain := siege.Durable(t)
	s := siege.New(t, siege.Plan{Endpoints: 3, Agree: 2, Chain: chain})
	forked := s.Fork(chain)
	forked.Chain.Mine(20)
	invented := s.Ungranted("alice")
	forked.Write(s.ID, invented.Grant)
	rows := append(lies(s),
		lie{name: "a fork", tell: hostile.Elsewhere(forked.Chain.HTTP)},
		lie{name: "a far block", tell: hostile.Header(func(h *types.Header) { h.Number.SetUint64(1 << 40) })},
		lie{name: "a far time", tell: hostile.Header(func(h *types.Header) { h.Time += 10 * 365 * 86400 })},
		lie{name: "everything final", tell: hostile.Answers(func(c *hostile.Call) {
			if len(c.Params) > 0 && (string(c.Params[0]) == `"finalized"` || string(c.Params[0]) == `"safe"`) {
				c.Result = hostile.Forged(c.Result, func(h *types.Header) { h.Number.SetUint64(1 << 40) })
			}
		})},
	)
	for i, l := range rows {
		t.Run(l.name, func(t *testing.T) {
			s := s.In(t)
			liar := s.Endpoints[i%len(s.Endpoints)]
			s.Current("before")
			before := s.Blamed(liar)
			liar.Tell(l.tell)
			a, b := s.Pair()
			s.Told(liar, l.problem == verify.ErrLogs.Error())
			s.Until("granted under the lie", a, true)
			s.Revoke(b)
			s.Until("revoked under the lie", b, false)
			s.Refuses("invented", invented, authkeys.GrantUnknown)
			st := s.Look("the chain", func(st device.Status) bool { return st.Block >= s.Org.Chain.Number() })
			if st.Block > s.Org.Chain.Number() || st.Finalized > st.Block || st.Time > uint64(time.Now().Add(10*time.Minute).Unix()) {
				t.Errorf("the liar moved the device: %+v", st)
			}
			if l.problem != "" && s.Blamed(liar) == before {
				t.Error("the status does not say who lied")
			}
			liar.Tell(nil)
		})
	}
}

// TestAsManyAsAgree is the limit that is documented: as many endpoints as must
// agree, lying together, are believed what extends the confirmed log, and hide
// what the chain says. Fewer are not; and what was confirmed nobody takes back.
func TestAsManyAsAgree(t *testing.T) {
	chain := siege.Durable(t)
	s := siege.New(t, siege.Plan{Endpoints: 3, Agree: 2, Chain: chain})
	u := s.Granted("alice")
	s.Until("granted", u, true)
	s.Current("before the fork")
	forked := s.Fork(chain)
	invented := s.Ungranted("alice")
	forked.Write(s.ID, invented.Grant)
	forked.Chain.Mine(50)
	collude := func(n int) {
		for i, e := range s.Endpoints {
			e.Tell(nil)
			if i < n {
				e.Tell(hostile.Elsewhere(forked.Chain.HTTP))
			}
		}
	}

	collude(2)
	s.Revoke(u)
	s.Until("the limit: as many as must agree", invented, true)
	s.LetsIn("the limit: its revocation is hidden", u)

	// Two have made it final, so that the truth is a rollback until root says otherwise.
	s.Org.Chain.Mine(100)
	collude(0)
	s.Problem(verify.ErrRollback.Error())
	s.Dpkid(0, "reset-trust", "--yes")
	s.Until("trust reset", u, false)
	s.Refuses("trust reset", invented, authkeys.GrantUnknown)

	// The twin: one alone, from the beginning.
	late := s.Granted("alice")
	collude(1)
	s.Until("one alone", late, true)
	s.Refuses("one alone", invented, authkeys.GrantUnknown)
	s.Refuses("one alone", u, authkeys.GrantRevoked)
	s.Told(s.Endpoints[0], false)

	// All of them, against what was confirmed.
	s.Current("before all collude")
	forked.Chain.Mine(200)
	collude(3)
	s.Problem(verify.ErrRollback.Error())
	s.Refuses("all collude", u, authkeys.GrantRevoked)
	s.Refuses("all collude", invented, authkeys.GrantUnknown)
	s.LetsIn("all collude", late)
}

// TestHeights: endpoints that agree may be at different heights as long as
// nothing was written between. What only one of them has, waits for a second.
func TestHeights(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 3, Agree: 2})
	s.Endpoints[0].Tell(hostile.Hangup())
	tape := s.Record(s.Endpoints[2])
	s.Endpoints[2].Tell(tape.Play())
	s.Org.Chain.Mine(3)
	asked := s.Endpoints[2].Count().Asked
	st := s.Look("agreement over three blocks", func(st device.Status) bool {
		return st.Problem == "" && s.Endpoints[2].Count().Asked > asked+2
	})
	if behind := s.Org.Chain.Number() - 3; st.Block != behind {
		t.Errorf("block %d, want %d, which both have reached", st.Block, behind)
	}
	u := s.Granted("alice")
	s.Problem(verify.ErrAgreement.Error())
	s.Refuses("only one of them has it", u, authkeys.GrantUnknown)
	s.LetsIn("both of them have it", s.Alice)
	s.Endpoints[2].Tell(nil)
	s.Until("the twin: the second has caught up", u, true)
}

// TestOneStalls: an endpoint that never answers, or answers everything but the
// question for entries, costs the others nothing that a login or a revocation
// would wait for.
func TestOneStalls(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 3, Agree: 2})
	for name, tell := range map[string]hostile.Lie{"always": hostile.Silent(), "entries": hostile.Only("eth_getLogs", hostile.Silent())} {
		for i, e := range s.Endpoints {
			t.Run(fmt.Sprintf("%s, endpoint %d", name, i+1), func(t *testing.T) {
				s := s.In(t)
				gone := s.Granted("alice")
				s.Until("before", gone, true)
				e.Tell(tell)
				began := time.Now()
				s.Revoke(gone) // first: a login would bring the next look forward
				s.Until("revoked", gone, false)
				revoked := time.Since(began)
				u := s.Granted("alice")
				s.Until("granted", u, true)
				took := time.Since(began)
				t.Logf("revoked after %v, granted after %v", revoked.Round(time.Second/100), (took - revoked).Round(time.Second/100))
				if took > 5*2*time.Second {
					t.Errorf("a revocation and a grant took %v to be seen", took)
				}
				e.Tell(nil)
			})
		}
	}
}
