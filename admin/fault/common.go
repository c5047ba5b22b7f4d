package fault

import (
	"errors"

	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/registry/verify"
)

// Chain says what reading the chain ran into.
func Chain(err error, n network.File) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, registry.ErrChain):
		return Because(err, Usage, "correct the network file: dpki network show", "the endpoint is not of chain %d", n.ChainID)
	case errors.Is(err, registry.ErrNoCode) && n.Contract == contracts.Deterministic().Contract:
		return Because(err, Failed, "nobody has put it on this chain yet: dpki network deploy does, once for everybody", "the registry contract is not at %s", n.Contract)
	case errors.Is(err, registry.ErrNoCode), errors.Is(err, registry.ErrCode):
		return Because(err, Failed, "the network file names another contract than this program was built for: dpki network show",
			"the registry contract is not at %s", n.Contract)
	case errors.Is(err, verify.ErrForked):
		return Because(err, Failed, "dpki witness verify shows which; find out whom somebody has taken over before you believe either", "witnesses and endpoints of network %s contradict one another", n.Name)
	case errors.Is(err, verify.ErrWitness):
		return Because(err, Later, "dpki witness verify shows which; start dpki witness run where it does not run", "too few witnesses of network %s have signed what its endpoints show", n.Name)
	case errors.Is(err, verify.ErrRollback):
		return Because(err, Failed, "ask another endpoint (dpki network check); if the chain itself was rolled back, delete the state folder", "the log was rolled back")
	}
	return Because(err, Later, "is it running, is this machine on the network? dpki network check asks each", "no endpoint of network %s could be used", n.Name)
}

// NoOrganisation says that the log is empty.
func NoOrganisation(a anchor.Anchor) error {
	return New(Failed, "check the anchor and the network: dpki network check", "there is no organisation %s at contract %s on chain %d",
		a.Org.Short(), a.Registry.Contract, a.Registry.ChainID)
}

// Folder says why a folder of one's own is not used.
func Folder(err error) error {
	return Because(err, Failed, "it holds keys: chmod 700 it if nobody else has used it", "the configuration folder is not safe")
}
