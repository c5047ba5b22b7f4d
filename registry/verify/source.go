package verify

import (
	"context"

	"dpki/registry"
	"dpki/state"
)

// Source is one endpoint's raw answers. Nothing in them is trusted. Errors are
// *registry.Failure; an answer within its limit, however wrong, is no error.
type Source interface {
	// Head looks at the tip.
	Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error)
	// Logs is one eth_getLogs result.
	Logs(ctx context.Context, q registry.LogQuery) ([]byte, error)
	// Headers are the headers with these numbers, in their order; nil for a
	// number that the endpoint does not know.
	Headers(ctx context.Context, numbers []uint64) ([][]byte, error)
}

// Endpoint is a Source with the name that alarms use.
type Endpoint struct {
	Name   string
	Source Source
	// Voice is whose word it is: endpoints of one voice count once where
	// several must agree. Empty is the name.
	Voice string
}

// Archive is a place that may have log segments (registry/segment), under the
// name that alarms use.
type Archive struct {
	Name   string
	Source Segments
}

// Segments hands out pieces of logs, at most segment.MaxSize bytes each. Nothing
// in them is trusted. Errors are *registry.Failure.
type Segments interface {
	Segment(ctx context.Context, scope state.Word, index uint64) ([]byte, error)
}

func (e Endpoint) voice() string {
	if e.Voice == "" {
		return e.Name
	}
	return e.Voice
}
