package verify

import (
	"errors"
	"fmt"

	"dpki/state"
)

// What is wrong with an answer. Every error of this package that concerns
// foreign bytes wraps one of them,
// or registry.ErrChain, ErrNoCode or ErrCode.
var (
	ErrHeader  = errors.New("not a block header with its own hash")
	ErrProof   = errors.New("proof does not hold at the header's state root")
	ErrLogs    = errors.New("logs are not the ones that the proven hash covers")
	ErrLagging = errors.New("the endpoint is behind what was verified before")
	// ErrAgreement: fewer endpoints than the policy asks for say the same.
	ErrAgreement = errors.New("too few endpoints agree")
	// ErrRollback: a proven log does not extend what finality had confirmed.
	// State is kept; only reset-trust by local root leads out.
	ErrRollback = errors.New("the chain's log no longer contains what was final")
	// ErrWitness: too few of the pinned witnesses have signed the block that the
	// endpoints prove.
	ErrWitness = errors.New("too few witnesses have signed it")
	// ErrForked: as many witnesses as are believed have signed another block of
	// that number than the endpoints prove.
	ErrForked = errors.New("witnesses have signed another block")
	// ErrLeap: the head is further ahead than any clock explains; see
	// Config.Leaps.
	ErrLeap = errors.New("its block is too far ahead of the last one that was verified")
	// ErrCheckpoint: what a place serves is not the witness's checkpoint.
	ErrCheckpoint = errors.New("not the witness's checkpoint")
	// ErrSource: the endpoint could not be asked; see registry.Failure.
	ErrSource = errors.New("no answer")
)

// EndpointError names the endpoint whose answer was not used, and why.
type EndpointError struct {
	Endpoint string
	Err      error
}

func (e *EndpointError) Error() string { return fmt.Sprintf("%s: %v", e.Endpoint, e.Err) }
func (e *EndpointError) Unwrap() error { return e.Err }

// Lied reports whether the answer was wrong, rather than late or missing.
func (e *EndpointError) Lied() bool {
	for _, late := range []error{ErrSource, ErrLagging, ErrAgreement, ErrWitness, ErrLeap} {
		if errors.Is(e.Err, late) {
			return false
		}
	}
	return true
}

// DroppedError is the alarm for a restriction that a reorganisation removed
// and that finality has now passed without: it is no longer in force.
type DroppedError struct {
	Scope state.Word
	Entry state.Entry
}

func (e *DroppedError) Error() string {
	return fmt.Sprintf("%s %s of %s in scope %s was reorganised away and is no longer in force",
		e.Entry.Action, e.Entry.Kind, e.Entry.Subject, e.Scope)
}
