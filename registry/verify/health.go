package verify

import (
	"cmp"
	"errors"
	"slices"
)

// Health is how an endpoint or a witness has done since the Reader was made.
type Health struct {
	Name   string
	Looks  uint64 // in which its word counted
	Missed uint64 // in which it could not be asked, or was behind
	Lies   uint64 // in which its answer was wrong
	Last   error  // why it was not believed last; nil where it is well
}

const (
	// avoidLiar is for how many looks a liar is asked after all others: twice as
	// many each time, up to avoidMost.
	avoidLiar = 16
	avoidMost = 1024
	// avoidLate is the same for one that could not be asked.
	avoidLate = 4
)

// record is what a Reader keeps of one endpoint or witness.
type record struct {
	Health
	avoid uint64 // looks for which it is still asked last
	after uint64 // for how many the next lie makes it so
}

// Health lists endpoints in the order in which they were configured, then
// witnesses.
func (r *Reader) Health() []Health {
	var all []Health
	for _, name := range r.named {
		all = append(all, r.records[name].Health)
	}
	return all
}

func (r *Reader) begin(endpoints []Endpoint, witnesses []Witness) {
	r.records = map[string]*record{}
	for _, e := range endpoints {
		r.named = append(r.named, e.Name)
	}
	for _, w := range witnesses {
		r.named = append(r.named, w.Name)
	}
	for _, name := range r.named {
		r.records[name] = &record{Health: Health{Name: name}, after: avoidLiar}
	}
}

// order puts endpoints last that lied or failed lately. They are still asked
// where the others are too few.
func (r *Reader) order() {
	for _, rec := range r.records {
		rec.avoid -= min(rec.avoid, 1)
	}
	slices.SortStableFunc(r.endpoints, func(a, b Endpoint) int {
		if c := cmp.Compare(r.records[a.Name].avoid, r.records[b.Name].avoid); c != 0 {
			return c
		}
		return cmp.Compare(slices.Index(r.named, a.Name), slices.Index(r.named, b.Name))
	})
}

// note keeps what one Tick found of everybody.
func (r *Reader) note(alarms []error, believed []string) {
	blamed := map[string]*EndpointError{}
	for _, alarm := range alarms {
		var e *EndpointError
		if errors.As(alarm, &e) && (blamed[e.Endpoint] == nil || e.Lied()) {
			blamed[e.Endpoint] = e
		}
	}
	for name, e := range blamed {
		rec := r.records[name]
		if rec == nil {
			continue
		}
		rec.Last = e.Err
		if e.Lied() {
			rec.Lies++
			rec.avoid, rec.after = rec.after, min(2*rec.after, avoidMost)
		} else {
			rec.Missed++
			rec.avoid = max(rec.avoid, avoidLate)
		}
	}
	for _, name := range believed {
		if rec := r.records[name]; rec != nil && blamed[name] == nil {
			rec.Looks++
			rec.Last, rec.avoid = nil, 0
		}
	}
}
