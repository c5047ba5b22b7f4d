package verify

import (
	"context"
	"errors"

	"dpki/state"
)

// Config is what a Reader is told once.
type Config struct {
	Registry state.Registry
	Org      state.Word
	// CodeHash is the hash of the code that must stand at the address.
	CodeHash state.Word
	// Deploy is the block that the contract was deployed in, or any before it.
	Deploy uint64
	// Policy decides what to believe; nil is Agreement{K: 1}.
	Policy HeadPolicy
	// Known is what the caller's journal holds; the zero value is a new reader.
	Known Known
}

// Reader follows scopes of one organisation.
type Reader struct {
	config    Config
	endpoints []Endpoint
	scopes    []state.Word
	known     Known
}

// ErrConfig says that a Reader was configured with something that can never
// work.
var ErrConfig = errors.New("reader misconfigured")

// NewReader makes a Reader that asks the endpoints in their order.
func NewReader(config Config, endpoints []Endpoint) (*Reader, error) {
	if config.Policy == nil {
		config.Policy = Agreement{K: 1}
	}
	r := &Reader{config: config, endpoints: endpoints, known: config.Known}
	if r.known.Scopes == nil {
		r.known.Scopes = map[state.Word]ScopeLog{}
	}
	return r, nil
}

// Follow sets the scopes to read from the next Tick on; it replaces the set.
func (r *Reader) Follow(scopes ...state.Word) { r.scopes = scopes }

// Tick looks at the tip once and verifies everything up to it. Its error joins
// one *EndpointError for every endpoint that was asked.
func (r *Reader) Tick(ctx context.Context) (*Result, error) {
	return nil, ErrSource
}

// Commit makes a Result what the next Tick starts from.
func (r *Reader) Commit(res *Result) { r.known = res.known }

// Known is a copy of what the Reader remembers.
func (r *Reader) Known() Known { return r.known }
