package pipe

import (
	"strings"
	"time"
	"unicode"

	"dpki/bundle"
	"dpki/registry"
)

// allowance is what frames cost beside their results.
const allowance = 4 * maxFields

// maxFailure bounds the body of a failure.
const maxFailure = 1 + 4 + MaxDetail + 3*4

// resultLimit is the longest body that answers a question: the sum of what the
// registry allows for each part.
func resultLimit(k kind, parts, max int) int {
	switch k {
	case kindHead:
		return allowance + registry.MaxChainID + 3*registry.MaxHeader + registry.MaxProof
	case kindHeaders:
		return allowance + parts*registry.MaxHeader
	case kindLogs, kindBlock, kindSegment, kindCheckpoint:
		return allowance + max
	}
	return allowance
}

func failureFields(f *registry.Failure) [][]byte {
	detail := strings.ToValidUTF8(f.Detail, "?")
	detail = strings.ToValidUTF8(detail[:min(len(detail), MaxDetail)], "")
	return [][]byte{{byte(f.Fault)}, be(4, uint64(max(min(f.RetryAfter, time.Hour), 0)/time.Millisecond)), []byte(detail)}
}

func parseFailure(fields [][]byte) (*registry.Failure, error) {
	if len(fields) != 3 || len(fields[2]) > MaxDetail {
		return nil, protocol("malformed failure")
	}
	r := fieldReader{fields: fields[:2]}
	f := &registry.Failure{Fault: registry.Fault(r.uint(1)), RetryAfter: time.Duration(r.uint(4)) * time.Millisecond, Detail: printable(string(fields[2]))}
	if f.Fault < registry.Unavailable || f.Fault > registry.BackOff {
		r.bad = true
	}
	return f, r.end()
}

// printable: root reads the detail in `dpkid status`, and fetch, which is the one
// that the network can take over, must not write to his terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// headReply reads the five results of a head question. What the registry bounds
// is bounded here again, part by part.
func headReply(fields [][]byte) (registry.HeadReply, error) {
	limits := []int{registry.MaxChainID, registry.MaxHeader, registry.MaxHeader, registry.MaxHeader, registry.MaxProof}
	if len(fields) != len(limits) {
		return registry.HeadReply{}, protocol("head with %d results", len(fields))
	}
	for i, f := range fields {
		if len(f) > limits[i] {
			return registry.HeadReply{}, protocol("result of %d bytes", len(f))
		}
	}
	return registry.HeadReply{ChainID: some(fields[0]), Latest: some(fields[1]), Safe: some(fields[2]), Finalized: some(fields[3]), Proof: some(fields[4])}, nil
}

func headersReply(fields [][]byte, asked int) ([][]byte, error) {
	if len(fields) != asked {
		return nil, protocol("%d headers for %d", len(fields), asked)
	}
	out := make([][]byte, len(fields))
	for i, f := range fields {
		if len(f) > registry.MaxHeader {
			return nil, protocol("header of %d bytes", len(f))
		}
		out[i] = some(f)
	}
	return out, nil
}

func oneResult(fields [][]byte) ([]byte, error) {
	if len(fields) != 1 {
		return nil, protocol("%d results for one", len(fields))
	}
	return fields[0], nil
}

// some keeps the registry's convention: nil is none.
func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// blockError gives a failed block the error that package bundle looks at.
func blockError(err error) error {
	if registry.FaultOf(err) == registry.TooLarge {
		return bundle.ErrTooLarge
	}
	return err
}
