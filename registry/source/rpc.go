package source

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"dpki/registry"
)

// call is one JSON-RPC 2.0 request of a batch.
type call struct {
	Version string `json:"jsonrpc"`
	ID      int    `json:"id"`
	Method  string `json:"method"`
	Params  []any  `json:"params"`
}

// reply is one answer. Result stays as it came.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *rpcError       `json:"error"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Codes of JSON-RPC 2.0 and of what providers have made of it (EIP-1474).
const (
	codeInvalidParams  = -32602
	codeMethodNotFound = -32601
	codeLimitExceeded  = -32005
)

func newBatch(methods ...call) []call {
	for i := range methods {
		methods[i].Version, methods[i].ID = "2.0", i
		if methods[i].Params == nil {
			methods[i].Params = []any{}
		}
	}
	return methods
}

// splitBatch finds the answer to each of n requests, in whatever order they
// came. A whole batch that is answered by one object is that error.
func splitBatch(raw []byte, n int) ([]reply, error) {
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) > 0 && trimmed[0] == '{' {
		var one reply
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, unavailable("not JSON-RPC: %v", err)
		}
		if one.Error != nil {
			return nil, failure(one.Error)
		}
		return nil, unavailable("one answer to a batch")
	}
	var all []reply
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, unavailable("not JSON-RPC: %v", err)
	}
	if len(all) != n {
		return nil, unavailable("%d answers to %d requests", len(all), n)
	}
	ordered := make([]reply, n)
	for _, r := range all {
		var id int
		if json.Unmarshal(r.ID, &id) != nil || id < 0 || id >= n || ordered[id].ID != nil {
			return nil, unavailable("an answer without a request")
		}
		ordered[id] = r
	}
	return ordered, nil
}

// tooWide are words with which providers refuse a range or a number of results;
// there is no code that all of them use.
var tooWide = []string{"range", "more than", "limit", "too many", "exceed", "too large", "response size", "query timeout"}

// pastHead are words for a range that goes beyond the endpoint's head.
var pastHead = []string{"invalid block range", "beyond", "unknown block", "head", "future"}

// failure is what a JSON-RPC error means for logs; other questions only ever
// see Refused.
func failure(e *rpcError) *registry.Failure {
	return &registry.Failure{Fault: registry.Refused, Detail: fmt.Sprintf("error %d: %q", e.Code, cut(e.Message))}
}

// logsFailure tells apart what a reader of logs does something about. From past
// the head is -32602 at geth and its kin; the others are known by their words.
func logsFailure(e *rpcError) *registry.Failure {
	f := failure(e)
	text := strings.ToLower(e.Message)
	switch {
	case e.Code == codeInvalidParams && containsAny(text, pastHead) && !containsAny(text, []string{"max", "limit", "up to", "exceed", "too "}):
		f.Fault = registry.PastHead
	case e.Code == codeLimitExceeded, containsAny(text, tooWide):
		f.Fault = registry.TooWide
	}
	return f
}

func containsAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func unavailable(format string, args ...any) *registry.Failure {
	return &registry.Failure{Fault: registry.Unavailable, Detail: cut(fmt.Sprintf(format, args...))}
}

// maxDetail bounds foreign text in an error.
const maxDetail = 200

func cut(s string) string {
	if len(s) > maxDetail {
		return s[:maxDetail]
	}
	return s
}
