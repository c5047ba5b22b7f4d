package admin

import (
	"errors"
	"fmt"

	"dpki/admin/chainkey"
	"dpki/contracts"
	"dpki/registry"
	"dpki/registry/post"
)

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
