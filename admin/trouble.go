package admin

import (
	"errors"
	"fmt"
	"strings"

	"dpki/internal/network"
	"dpki/registry/verify"
)

// chainProblem says what reading the chain ran into.
func chainProblem(err error, n network.File) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, verify.ErrChain):
		return because(err, Usage, "correct the network file: dpki network show", "the endpoint is not of chain %d", n.ChainID)
	case errors.Is(err, verify.ErrNoCode), errors.Is(err, verify.ErrCode):
		return because(err, Failed, "the network file names another contract than this program was built for: dpki network show",
			"the registry contract is not at %s", n.Contract)
	case errors.Is(err, verify.ErrRollback):
		return because(err, Failed, "ask another endpoint (dpki network check); if the chain itself was rolled back, delete the state folder", "the log was rolled back")
	}
	return because(err, Later, "is it running? dpki network check", "no endpoint of network %s could be used: %s", n.Name, strings.Join(n.Endpoints, ", "))
}

// postProblem says what writing to the chain ran into.
func postProblem(err error) error {
	return because(err, Failed, "", "%s", fmt.Sprint("the transaction was not made"))
}
