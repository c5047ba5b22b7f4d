package hostile

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// question is a JSON-RPC 2.0 request.
type question struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
}

// answer is a JSON-RPC 2.0 response.
type answer struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// Call is one question with the answer that the endpoint gave. A lie changes
// Result, or sets Error in its place.
type Call struct {
	Method string
	Params []json.RawMessage
	Result json.RawMessage
	Error  json.RawMessage
}

// Key tells questions apart.
func (c *Call) Key() string {
	params, _ := json.Marshal(c.Params)
	return c.Method + string(params)
}

// Answers alters single answers, alone or in a batch. What it leaves alone
// passes byte for byte.
func Answers(change func(*Call)) Lie {
	return func(honest http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			rec := honestly(honest, r)
			hand(w, rec, alter(body, rec.Body.Bytes(), change))
		})
	}
}

// alter is an answer with change made to it.
func alter(asked, answered []byte, change func(*Call)) []byte {
	questions, single := list[question](asked)
	answers, _ := list[answer](answered)
	changed := false
	for _, q := range questions {
		for i := range answers {
			a := &answers[i]
			if !bytes.Equal(a.ID, q.ID) {
				continue
			}
			c := Call{Method: q.Method, Params: q.Params, Result: a.Result, Error: a.Error}
			change(&c)
			if c.Error != nil && a.Error == nil {
				c.Result = nil
			}
			changed = changed || !bytes.Equal(c.Result, a.Result) || !bytes.Equal(c.Error, a.Error)
			a.Result, a.Error = c.Result, c.Error
		}
	}
	if !changed {
		return answered
	}
	var out []byte
	if single && len(answers) == 1 {
		out, _ = json.Marshal(answers[0])
	} else {
		out, _ = json.Marshal(answers)
	}
	return out
}

// list parses a batch, or a single message as a batch of one.
func list[T any](text []byte) (all []T, single bool) {
	if json.Unmarshal(text, &all) == nil {
		return all, false
	}
	var one T
	if json.Unmarshal(text, &one) != nil {
		return nil, false
	}
	return []T{one}, true
}

// fields changes the members of an object.
func fields(object json.RawMessage, change func(map[string]json.RawMessage)) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil || m == nil {
		return object
	}
	change(m)
	out, _ := json.Marshal(m)
	return out
}

// Member changes one member of an object.
func Member(object []byte, name string, change func([]byte) []byte) []byte {
	return fields(object, func(m map[string]json.RawMessage) { m[name] = change(m[name]) })
}

// text is a JSON string.
func text(s string) json.RawMessage {
	out, _ := json.Marshal(s)
	return out
}

// asHeader reports whether a call asks for a block's header, and whether for the
// newest one.
func (c *Call) asHeader() (header, newest bool) {
	if !strings.HasPrefix(c.Method, "eth_getHeaderBy") && !strings.HasPrefix(c.Method, "eth_getBlockBy") {
		return false, false
	}
	return true, len(c.Params) > 0 && string(c.Params[0]) == `"latest"`
}
