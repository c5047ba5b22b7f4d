package verify

import (
	"context"

	"dpki/registry"
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

func (e Endpoint) voice() string {
	if e.Voice == "" {
		return e.Name
	}
	return e.Voice
}
