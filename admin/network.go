package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dpki/contracts/code"
	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/state"
)

// EndpointReport is how one endpoint answered.
type EndpointReport struct {
	URL     string `json:"url"`
	OK      bool   `json:"ok"`
	Block   uint64 `json:"block,omitempty"`
	Time    Time   `json:"time,omitempty"`
	Final   uint64 `json:"finalized,omitempty"`
	Latency string `json:"latency"`
	Error   string `json:"error,omitempty"`

	Err error `json:"-"`
}

// NetworkReport is the outcome of CheckNetwork.
type NetworkReport struct {
	Name      string           `json:"name"`
	ChainID   uint64           `json:"chain_id"`
	Contract  string           `json:"contract"`
	Agree     int              `json:"agree"`
	Endpoints []EndpointReport `json:"endpoints"`
	// Trusted says whom readers of this network have to trust.
	Trusted string `json:"trusted"`
	OK      bool   `json:"ok"`
}

// CheckNetwork asks each endpoint alone: does it answer, is it the chain, is the
// contract there and ours.
func CheckNetwork(ctx context.Context, n network.File, endpoints []verify.Endpoint) *NetworkReport {
	r := &NetworkReport{Name: n.Name, ChainID: n.ChainID, Contract: n.Contract.String(), Agree: n.Agree, Trusted: TrustText(n)}
	good := 0
	for _, e := range endpoints {
		report := checkEndpoint(ctx, n, e)
		if report.OK {
			good++
		}
		r.Endpoints = append(r.Endpoints, report)
	}
	r.OK = good >= n.Agree
	return r
}

func checkEndpoint(ctx context.Context, n network.File, e verify.Endpoint) EndpointReport {
	report := EndpointReport{URL: e.Name}
	reader, err := verify.NewReader(verify.Config{
		Registry: n.Registry(), CodeHash: state.Word(code.Hash()), Deploy: n.DeployBlock, Policy: verify.Agreement{K: 1},
	}, []verify.Endpoint{e})
	if err == nil {
		// The scope of no organisation: its hash is proven to be zero, which
		// proves everything else on the way.
		reader.Follow(state.Word{1})
		start := time.Now()
		var res *verify.Result
		res, err = reader.Tick(ctx)
		report.Latency = time.Since(start).Round(time.Millisecond).String()
		if err == nil {
			report.OK, report.Block, report.Time, report.Final = true, res.Head.Number, Time(res.Head.Time), res.Head.Finalized
		}
	}
	if err != nil {
		var of *verify.EndpointError
		if errors.As(err, &of) { // without the sum over all endpoints: there is one
			err = of.Err
		}
		report.Err, report.Error = err, err.Error()
	}
	return report
}

// TrustText says whom readers of a network have to trust.
func TrustText(n network.File) string {
	k := n.WitnessAgree
	switch {
	case n.Agree <= 1 && k > 0:
		return fmt.Sprintf("one endpoint is believed for what %d of %d witnesses must have signed: it and %d of them together are trusted", k, len(n.Witnesses), k)
	case n.Agree <= 1:
		return "one endpoint is believed: whoever runs it is fully trusted (agree = 1)"
	case k > 0:
		return fmt.Sprintf("%d of %d endpoints must say the same, and %d of %d witnesses must have signed it; %d and %d of them together are trusted",
			n.Agree, len(n.Endpoints), k, len(n.Witnesses), n.Agree, k)
	}
	return fmt.Sprintf("%d of %d endpoints must say the same; %d of them together are trusted", n.Agree, len(n.Endpoints), n.Agree)
}

// Unavailable reports whether all that was wrong is that nobody answered.
func (r *NetworkReport) Unavailable() bool {
	for _, e := range r.Endpoints {
		if e.Err != nil && !errors.Is(e.Err, verify.ErrSource) {
			return false
		}
	}
	return !r.OK
}
