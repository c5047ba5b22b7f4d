package attack

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness/hostile"
	"dpki/registry/verify"
	"dpki/state"
)

// TestRevocationOmitted: the endpoint shows everything but one revocation. That
// is noticed at once, and nothing of the rest is taken either.
func TestRevocationOmitted(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	u := s.Granted("alice")
	s.Until("granted", u, true)
	s.Current("before")
	s.Endpoints[0].Tell(hostile.Logs(func(l []hostile.Log) []hostile.Log {
		return slices.DeleteFunc(l, func(l hostile.Log) bool {
			_, _, e, err := l.Entry()
			return err == nil && e.Action == state.ActionRevoke && e.Subject == u.Grant.Subject
		})
	}))
	s.Revoke(u)
	later := s.Granted("alice")
	s.Problem(verify.ErrLogs.Error())
	if s.Endpoints[0].Count().Altered == 0 {
		t.Error("the lie was not told")
	}
	s.Refuses("after the one that was omitted", later, authkeys.GrantUnknown)
	s.Endpoints[0].Tell(nil)
	s.Until("the twin: the truth", u, false)
	s.Refuses("the twin: the truth", u, authkeys.GrantRevoked)
	s.LetsIn("the twin: the truth", later)
}

// TestYesterdayReplayed: every proof is true and from before a revocation that
// the device has seen. Nothing is taken back, over restarts neither.
func TestYesterdayReplayed(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	u := s.Granted("alice")
	s.Until("granted", u, true)
	tape := s.Record(s.Endpoints[0])
	s.Revoke(u)
	s.Until("revoked", u, false)
	s.Endpoints[0].Tell(tape.Play())
	s.Problem(verify.ErrLagging.Error())
	s.Refuses("yesterday", u, authkeys.GrantRevoked)
	s.Daemon.Kill()
	s.Run()
	s.Problem(verify.ErrLagging.Error())
	s.Refuses("yesterday, started anew", u, authkeys.GrantRevoked)
	s.LetsIn("yesterday, started anew", s.Alice)
	later := s.Granted("alice")
	s.Refuses("after yesterday", later, authkeys.GrantUnknown)
	s.Endpoints[0].Tell(nil)
	s.Until("the twin: today", later, true)
	s.Refuses("the twin: today", u, authkeys.GrantRevoked)
}

// TestTimeStandsStill: the one endpoint withholds a revocation that the device
// has not seen, by showing the block before it for ever. That works for as long
// as the freshness of privileged grants and the offline period say, no longer.
func TestTimeStandsStill(t *testing.T) {
	const fresh, offline = 4, 20 // seconds
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, Chain: devchain.Options{BlockTime: time.Second}})
	policy, err := state.Policy{Modes: state.ModeCertificateAndGrant, Fresh: fresh, Offline: offline}.Marshal()
	s.Org.Write(s.Org.Zone, s.Org.Seal(s.Org.Zone, state.KindPolicy, policy, err, time.Hour))
	root, u := s.Granted("root"), s.Granted("alice")
	s.Look("the policy", func(st device.Status) bool { return st.Offline == offline })
	s.Until("granted", root, true)
	s.Until("granted", u, true)
	tape := s.Record(s.Endpoints[0])
	s.Endpoints[0].Tell(tape.Play())
	began := time.Now()
	s.Revoke(root)
	s.Revoke(u)
	s.Look("stale", func(st device.Status) bool { return st.Age > fresh })
	s.Refuses("stale", root, authkeys.NotFresh)
	stale := time.Since(began)
	s.Look("offline", func(st device.Status) bool { return st.Freshness == "offline" })
	s.Refuses("offline", u, authkeys.TooOld)
	s.Refuses("offline", s.Alice, authkeys.TooOld)
	t.Logf("measured: root refused %v after the chain stopped, everybody after %v; the policy says %d and %d s",
		stale.Round(time.Second/10), time.Since(began).Round(time.Second/10), fresh, offline)
	if s.Endpoints[0].Count().Altered == 0 {
		t.Error("the lie was not told")
	}
	s.Endpoints[0].Tell(nil)
	s.Until("the twin: time goes on", s.Alice, true)
	s.Refuses("the twin: time goes on", u, authkeys.GrantRevoked)
	s.Refuses("the twin: time goes on", root, authkeys.GrantRevoked)
}

// TestStall: an endpoint that stops in mid-answer, or never answers, holds no
// login up for longer than the refresh may take, and ends nothing.
func TestStall(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	for name, tell := range map[string]hostile.Lie{"in mid-answer": hostile.Stall(), "without an answer": hostile.Silent()} {
		t.Run(name, func(t *testing.T) {
			s := s.In(t)
			s.Current("before")
			s.Endpoints[0].Tell(tell)
			u := s.Granted("alice")
			for s.Endpoints[0].Count().Begun == 0 {
				s.Nudge()
				time.Sleep(30 * time.Millisecond)
			}
			began := time.Now()
			s.LetsIn("seen before", s.Alice)
			s.Refuses("not seen", u, authkeys.GrantUnknown)
			// A refused certificate is asked for once, an accepted one twice.
			if took := time.Since(began); took > 5*3*device.RefreshBudget {
				t.Errorf("two logins took %v", took)
			}
			s.Endpoints[0].Tell(nil)
			s.Until("the twin: it goes on", u, true)
		})
	}
}

// TestRedirect: whoever is named in a redirect is asked nothing.
func TestRedirect(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, HTTP: true})
	other := hostile.Start(t, s.Org.Chain.HTTP)
	s.Current("before")
	s.Endpoints[0].Tell(hostile.Redirect(other.HTTP))
	u := s.Granted("alice")
	s.Problem("redirect")
	s.Refuses("redirected", u, authkeys.GrantUnknown)
	if n := other.Count(); n.Begun != 0 {
		t.Errorf("the other place was asked %d times", n.Begun)
	}
	// The twin: the same place asked for itself has the answer.
	s.Endpoints[0].Tell(hostile.Elsewhere(other.HTTP))
	s.Until("the twin: asked for itself", u, true)
	if n := other.Count(); n.Begun == 0 {
		t.Error("the other place was not asked")
	}
	s.Endpoints[0].Tell(nil)
	if strings.Contains(s.Daemon.Output(), other.HTTP) {
		t.Error("the log repeats where it was sent")
	}
}
