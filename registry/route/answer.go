package route

import (
	"encoding/json"
	"fmt"
	"net/http"

	"dpki/registry"
)

// headJSON is the form of registry.HeadReply. What the chain does not have is
// left out.
type headJSON struct {
	ChainID   json.RawMessage `json:"chain_id"`
	Latest    json.RawMessage `json:"latest"`
	Safe      json.RawMessage `json:"safe,omitempty"`
	Finalized json.RawMessage `json:"finalized,omitempty"`
	Proof     json.RawMessage `json:"proof"`
}

// MaxHead bounds MarshalHead's form, in bytes.
const MaxHead = registry.MaxChainID + 3*registry.MaxHeader + registry.MaxProof + 1<<10

// MarshalHead encodes a reply whose parts are JSON, as endpoints give them.
func MarshalHead(r registry.HeadReply) ([]byte, error) {
	return json.Marshal(headJSON{r.ChainID, r.Latest, r.Safe, r.Finalized, r.Proof})
}

// ParseHead decodes a reply and bounds its parts. What they say is for
// registry/verify to read.
func ParseHead(b []byte) (registry.HeadReply, error) {
	var h headJSON
	if len(b) > MaxHead {
		return registry.HeadReply{}, fmt.Errorf("head of %d bytes", len(b))
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return registry.HeadReply{}, fmt.Errorf("head: %w", err)
	}
	for _, part := range []struct {
		b   []byte
		max int
	}{{h.ChainID, registry.MaxChainID}, {h.Latest, registry.MaxHeader}, {h.Safe, registry.MaxHeader}, {h.Finalized, registry.MaxHeader}, {h.Proof, registry.MaxProof}} {
		if len(part.b) > part.max {
			return registry.HeadReply{}, fmt.Errorf("head: a part of %d bytes", len(part.b))
		}
	}
	return registry.HeadReply{ChainID: h.ChainID, Latest: h.Latest, Safe: h.Safe, Finalized: h.Finalized, Proof: h.Proof}, nil
}

// MarshalHeaders encodes headers; nil is null.
func MarshalHeaders(headers [][]byte) ([]byte, error) {
	list := make([]json.RawMessage, len(headers))
	for i, h := range headers {
		list[i] = h // an empty RawMessage is null
	}
	return json.Marshal(list)
}

// ParseHeaders decodes as many headers as were asked for.
func ParseHeaders(b []byte, asked int) ([][]byte, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("headers: %w", err)
	}
	if len(list) != asked {
		return nil, fmt.Errorf("%d headers for %d", len(list), asked)
	}
	out := make([][]byte, len(list))
	for i, h := range list {
		if len(h) > registry.MaxHeader {
			return nil, fmt.Errorf("header of %d bytes", len(h))
		}
		if string(h) != "null" {
			out[i] = h
		}
	}
	return out, nil
}

// statuses pair what a reader can do about a failure with HTTP's word for it.
var statuses = []struct {
	fault  registry.Fault
	status int
}{
	{registry.Unavailable, http.StatusServiceUnavailable},
	{registry.Refused, http.StatusBadGateway},
	{registry.TooWide, http.StatusRequestedRangeNotSatisfiable},
	{registry.TooLarge, http.StatusRequestEntityTooLarge},
	{registry.PastHead, http.StatusTooEarly},
	{registry.BackOff, http.StatusTooManyRequests},
}

// Status is the HTTP status of a failure.
func Status(f registry.Fault) int {
	for _, s := range statuses {
		if s.fault == f {
			return s.status
		}
	}
	return http.StatusServiceUnavailable
}

// Fault is what a status other than 200 says. One that no mirror gives is
// Unavailable.
func Fault(status int) registry.Fault {
	for _, s := range statuses {
		if s.status == status {
			return s.fault
		}
	}
	return registry.Unavailable
}
