package admin

import (
	"errors"
	"fmt"

	"dpki/admin/chainkey"
	"dpki/contracts"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/registry/post"
	"dpki/registry/verify"
)

// chainProblem says what reading the chain ran into.
func chainProblem(err error, n network.File) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrChain):
		return because(err, Usage, "correct the network file: dpki network show", "the endpoint is not of chain %d", n.ChainID)
	case errors.Is(err, registry.ErrNoCode) && n.Contract == contracts.Deterministic().Contract:
		return because(err, Failed, "nobody has put it on this chain yet: dpki network deploy does, once for everybody", "the registry contract is not at %s", n.Contract)
	case errors.Is(err, registry.ErrNoCode), errors.Is(err, registry.ErrCode):
		return because(err, Failed, "the network file names another contract than this program was built for: dpki network show",
			"the registry contract is not at %s", n.Contract)
	case errors.Is(err, verify.ErrForked):
		return because(err, Failed, "dpki witness verify shows which; find out whom somebody has taken over before you believe either", "witnesses and endpoints of network %s contradict one another", n.Name)
	case errors.Is(err, verify.ErrWitness):
		return because(err, Later, "dpki witness verify shows which; start dpki witness run where it does not run", "too few witnesses of network %s have signed what its endpoints show", n.Name)
	case errors.Is(err, verify.ErrRollback):
		return because(err, Failed, "ask another endpoint (dpki network check); if the chain itself was rolled back, delete the state folder", "the log was rolled back")
	}
	return because(err, Later, "is it running, is this machine on the network? dpki network check asks each", "no endpoint of network %s could be used", n.Name)
}

// postProblem says what writing to the chain ran into.
func postProblem(err error) error {
	var p *Problem
	if err == nil || errors.As(err, &p) {
		return err
	}
	var funds *post.FundsError
	var refusal *contracts.Refusal
	switch {
	case errors.As(err, &funds):
		return &Problem{Class: Failed, Err: err, Text: "the account cannot pay",
			Hint: fmt.Sprintf("send %s ETH or more to %s", Ether(funds.Missing()), funds.Account)}
	case errors.As(err, &refusal):
		return because(err, Failed, refusalHint(refusal.Name), "nothing was written")
	case errors.Is(err, chainkey.ErrPassphrase):
		return because(err, Failed, "it is the one that was given to dpki identity create, or of the file that was given to it with --chain-key", "the chain key was not opened")
	case errors.Is(err, chainkey.ErrSigner):
		return because(err, Later, "is it running, was it approved there? dpki identity show names it", "the external signer did not sign")
	case errors.Is(err, post.ErrSigner):
		return because(err, Failed, "see dpki identity show", "the transaction was not made")
	case errors.Is(err, registry.ErrChain):
		return because(err, Usage, "correct the network file: dpki network show", "the endpoint is of another chain")
	case errors.Is(err, registry.ErrNoCode), errors.Is(err, registry.ErrCode):
		return because(err, Failed, "the network file names another contract than this program was built for: dpki network show", "nothing was written")
	case errors.Is(err, post.ErrTimeout):
		return because(err, Later, "it may still come: look with dpki log before writing it again", "it was sent and is not in a block")
	case errors.Is(err, post.ErrReplaced), errors.Is(err, post.ErrDropped):
		return because(err, Later, "another program uses this account; look with dpki log, then try again", "it was sent and did not come into a block")
	case errors.Is(err, post.ErrUnavailable):
		return because(err, Later, "dpki network check", "nothing was written")
	}
	return because(err, Failed, "dpki network check", "nothing was written")
}
