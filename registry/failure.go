package registry

import (
	"errors"
	"fmt"
	"time"
)

// Fault says what a reader of the network can do about a failed question. Its
// number is what crosses a pipe.
type Fault uint8

const (
	// Unavailable: no answer, or one that is no JSON-RPC. Ask another endpoint.
	Unavailable Fault = 1
	// Refused: the endpoint answered with an error of its own.
	Refused Fault = 2
	// TooWide: the endpoint caps ranges or results. Ask for fewer blocks.
	TooWide Fault = 3
	// TooLarge: the answer passed its limit in bytes and was cut off. Ask for
	// fewer blocks.
	TooLarge Fault = 4
	// PastHead: the range goes beyond the endpoint's head. It knows no logs
	// there: it lags.
	PastHead Fault = 5
	// BackOff: the endpoint failed a moment ago and was not asked again yet.
	BackOff Fault = 6
)

func (f Fault) String() string {
	switch f {
	case Unavailable:
		return "unavailable"
	case Refused:
		return "refused"
	case TooWide:
		return "range too wide"
	case TooLarge:
		return "answer too large"
	case PastHead:
		return "past the head"
	case BackOff:
		return "backing off"
	}
	return fmt.Sprintf("fault %d", uint8(f))
}

// Failure is the one error that a reader of the network returns.
type Failure struct {
	Fault      Fault
	Detail     string        // foreign text, quoted and cut, for people
	RetryAfter time.Duration // of BackOff, and where the endpoint named one
}

func (f *Failure) Error() string {
	if f.Detail == "" {
		return f.Fault.String()
	}
	return f.Fault.String() + ": " + f.Detail
}

// FaultOf is the fault of an error, Unavailable where it names none.
func FaultOf(err error) Fault {
	var f *Failure
	if errors.As(err, &f) {
		return f.Fault
	}
	return Unavailable
}
