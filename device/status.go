package device

import (
	"errors"
	"strings"

	"dpki/authkeys"
	"dpki/registry"
	"dpki/registry/verify"
	"dpki/state"
)

// Status is what `dpkid status` shows.
type Status struct {
	Version    string           `json:"version"`
	Anchor     string           `json:"anchor"`
	Enrolled   bool             `json:"enrolled"`
	Name       string           `json:"name,omitempty"`
	Zone       string           `json:"zone,omitempty"` // scope
	ZoneName   string           `json:"zone_name,omitempty"`
	Device     string           `json:"device,omitempty"` // mailbox scope
	ZoneKeys   []uint32         `json:"zone_keys,omitempty"`
	Retired    bool             `json:"retired"`
	Freshness  string           `json:"freshness"`
	Age        int64            `json:"age"`  // seconds
	Time       uint64           `json:"time"` // verified now, Unix seconds
	Wall       uint64           `json:"wall"` // the machine's clock, Unix seconds
	Block      uint64           `json:"block"`
	BlockTime  uint64           `json:"block_time"` // Unix seconds
	Safe       uint64           `json:"safe"`
	Finalized  uint64           `json:"finalized"`
	Gear       string           `json:"gear"`
	Endpoints  int              `json:"endpoints"`
	Mirrors    int              `json:"mirrors,omitempty"`
	Agree      int              `json:"agree"`
	Health     []EndpointHealth `json:"health"`
	Witnesses  int              `json:"witnesses"`       // pinned
	Signed     int              `json:"witnesses_agree"` // how many of them must have signed a block; 0 = none are asked for
	Grants     int              `json:"grants"`          // live
	CAs        int              `json:"cas"`             // live, for users
	Opaque     int              `json:"opaque"`          // entries for which the device has no key
	Unreadable bool             `json:"unreadable"`
	Delivered  []Delivered      `json:"delivered,omitempty"`        // what came of each delivery
	Awaited    int              `json:"awaited"`                    // deliveries that are not settled
	Unsigned   int              `json:"not_cosigned,omitempty"`     // of these, those that too few watchdogs have signed
	Unapplied  string           `json:"delivery_problem,omitempty"` // why the last attempt at one failed
	Offline    uint32           `json:"offline_period"`             // seconds, of the policy
	Successor  *Successor       `json:"successor,omitempty"`        // where the organisation points
	Left       []string         `json:"left,omitempty"`             // organisations that this device has followed from
	Problem    string           `json:"problem,omitempty"`
	Journal    string           `json:"journal_problem,omitempty"`
	Next       string           `json:"next,omitempty"` // what to do next, where something is wrong
}

// Status describes the present View.
func (e *Engine) Status(version string) Status {
	v, r := e.View(), e.c.Clock.Read()
	now := v.Now(r)
	s := Status{
		Version: version, Anchor: e.c.Anchor.String(), Freshness: v.Freshness(now).String(), Age: int64(now.Age.Seconds()), Time: now.Time, Wall: r.Wall,
		Block: v.State.Head.Number, BlockTime: v.State.Head.Time, Safe: v.State.Safe, Finalized: v.State.Finalized,
		Gear: v.Gear.String(), Endpoints: v.Endpoints, Mirrors: v.Mirrors, Agree: v.Agree, Health: healthOf(v.Health), Witnesses: len(v.Witnesses.Keys), Signed: v.Witnesses.Agree, Opaque: v.State.Opaque(), Retired: v.State.Retired(),
		Offline: v.State.Policy(now.Time).Offline,
	}
	if v.Enrolment != nil {
		m := v.Enrolment.Materials
		s.Enrolled, s.Name, s.ZoneName, s.Zone, s.Device = true, m.Name, m.ZoneName, m.Zone.String(), v.State.Scopes.Mailbox.String()
		for _, k := range m.ZoneKeys {
			s.ZoneKeys = append(s.ZoneKeys, k.ID)
		}
	}
	for g := range v.State.AllGrants() {
		if v.State.Standing(&g.Fact, now.Time) == state.Live {
			s.Grants++
		}
	}
	for ca := range v.State.CAs() {
		if ca.Kind == state.KindCAUser && v.State.Standing(&ca.Fact, now.Time) == state.Live {
			s.CAs++
		}
	}
	_, s.Unreadable = v.State.Unreadable(now.Time)
	s.Problem = oneLine(v.Problem)
	s.Delivered, s.Awaited, s.Unsigned = v.Delivered, v.Awaited, v.NotCosigned
	s.Unapplied = oneLine(v.Undelivered)
	if v.Journal != nil {
		s.Journal = v.Journal.Error()
	}
	s.Successor = e.successor.Load()
	for _, a := range v.Inherited.Left {
		s.Left = append(s.Left, a.String())
	}
	s.Next = s.next(v)
	return s
}

// Decides reports whether logins are decided from grants: otherwise every one of
// them is denied, but for break-glass keys where the device is offline.
func (s *Status) Decides() bool {
	return s.Enrolled && !s.Retired && !s.Unreadable && s.Freshness != authkeys.Offline.String()
}

func (s *Status) next(v *View) string {
	switch {
	case errors.Is(v.Problem, verify.ErrRollback):
		return "the chain no longer holds what was final: find out which endpoint lies; `dpkid reset-trust` accepts the new history"
	case errors.Is(v.Problem, registry.ErrCode), errors.Is(v.Problem, registry.ErrNoCode), errors.Is(v.Problem, registry.ErrChain):
		return "the endpoints serve another chain or contract than the anchor names: check the network file"
	case errors.Is(v.Problem, verify.ErrLeap):
		return "what the endpoints show is believed once they have shown it for ten minutes; set the clock, by NTP, if it is behind"
	case errors.Is(v.Problem, verify.ErrForked):
		return "witnesses contradict every endpoint: find out whom somebody has taken over before you believe either"
	case errors.Is(v.Problem, verify.ErrWitness):
		return "too few witnesses have signed what the endpoints show: see that `dpki witness run` runs, and that a place of the network file serves its checkpoints"
	case s.Journal != "":
		return "make room on the disk that holds /var/lib/dpki"
	case s.Retired:
		return "this device or its zone was retired: enrol it again after `dpkid leave`"
	case v.Problem != nil:
		return "no endpoint gives what can be verified: see `dpkid doctor`"
	case !s.Enrolled:
		return "have the enrolment request added: `dpki device add REQUEST`"
	case s.Unreadable:
		return "a restriction in force cannot be read, so every login is denied: deliver the zone key that it needs, or revoke it"
	case s.CAs == 0:
		return "the zone has no live user CA: `dpki ca create`"
	case s.Successor != nil && s.Successor.Next != "":
		return "the organisation goes on elsewhere: " + s.Successor.Next
	}
	return ""
}

// oneLine is an error as a status has it; empty for none.
func oneLine(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}
