package siege

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/hostile"
)

// Within is how long a device may take to see what honest endpoints say. Its
// bars are elsewhere; here it only must not take for ever on a busy machine.
const Within = 30 * time.Second

// pause is between two questions of something that comes soon.
const pause = 30 * time.Millisecond

// Nudge tells the device that there may be news.
func (s *Site) Nudge() {
	for _, e := range s.Endpoints {
		e.Nudge()
	}
}

// Look waits for a status, telling the device of news all the time.
func (s *Site) Look(what string, ok func(device.Status) bool) device.Status {
	s.Helper()
	return s.Eventually(what, Within, func(st device.Status) bool {
		if ok(st) {
			return true
		}
		s.Nudge()
		time.Sleep(pause)
		return false
	})
}

// Current waits until the device has read the whole chain.
func (s *Site) Current(when string) {
	s.Helper()
	block := s.Org.Chain.Number()
	s.Look(when, func(st device.Status) bool { return st.Block >= block && st.Problem == "" })
}

// Problem waits until the device says what is wrong.
func (s *Site) Problem(want string) device.Status {
	s.Helper()
	return s.Look(fmt.Sprintf("the problem %q", want), func(st device.Status) bool { return strings.Contains(st.Problem, want) })
}

// Blamed is how often the device's status says that an endpoint lied or could not
// be asked.
func (s *Site) Blamed(p *hostile.Proxy) uint64 {
	s.Helper()
	st, err := s.Status()
	s.Must(err)
	name := fmt.Sprintf("endpoint %d (", slices.Index(s.Endpoints, p)+1)
	for _, h := range st.Health {
		if strings.HasPrefix(h.Name, name) {
			return h.Lies + h.Missed
		}
	}
	s.Fatalf("%s is not in the status: %+v", name, st.Health)
	return 0
}

// Told waits until the device has heard what a liar says. It need not while
// others agree: so they refuse to speak for a moment, of everything or of logs
// alone.
func (s *Site) Told(liar *hostile.Proxy, ofLogs bool) {
	s.Helper()
	silent := "eth_getProof"
	if ofLogs {
		silent = "eth_getLogs"
	}
	others := func(l hostile.Lie) {
		for _, e := range s.Endpoints {
			if e != liar {
				e.Tell(l)
			}
		}
	}
	defer others(nil)
	others(hostile.Refuse(silent))
	harness.Eventually(s, Within, func() error {
		if s.Nudge(); liar.Count().Altered == 0 {
			return errors.New("the lie was not told")
		}
		return nil
	})
}

// Record takes a tape of what an endpoint says now.
func (s *Site) Record(e *hostile.Proxy) *hostile.Tape {
	s.Helper()
	s.Look("to be recorded", func(st device.Status) bool { return st.Problem == "" && st.Block >= s.Org.Chain.Number() })
	tape := new(hostile.Tape)
	e.Tell(tape.Record())
	s.Look("recorded", func(device.Status) bool { return tape.Length() >= 5 })
	e.Tell(nil)
	return tape
}
