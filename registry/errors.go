package registry

import "errors"

// What readers and writers alike find wrong with where an endpoint leads.
var (
	// ErrChain: the endpoint serves another chain than was configured.
	ErrChain = errors.New("the endpoint serves another chain")
	// ErrNoCode: there is no contract at the address.
	ErrNoCode = errors.New("there is no contract at the address")
	// ErrCode: the contract at the address is another one.
	ErrCode = errors.New("the contract at the address is another one")
)
