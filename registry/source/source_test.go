package source

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpki/registry"
	"dpki/state"
)

// endpoint is a server whose answers the test chooses, method by method.
type endpoint struct {
	*httptest.Server
	answer  func(method string, params []any) any // an error to answer with, or a result
	respond atomic.Pointer[responder]             // instead of answering, where it returns true
	calls   atomic.Int64
	methods []string
}

type responder func(w http.ResponseWriter, r *http.Request) bool

func (e *endpoint) set(f responder) { e.respond.Store(&f) }

func serve(t *testing.T) (*endpoint, *Client) {
	t.Helper()
	e := &endpoint{answer: func(string, []any) any { return "0x1" }}
	e.Server = httptest.NewServer(http.HandlerFunc(e.handle))
	t.Cleanup(e.Server.Close)
	c, err := Dial(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return e, c
}

func (e *endpoint) handle(w http.ResponseWriter, r *http.Request) {
	e.calls.Add(1)
	if f := e.respond.Load(); f != nil && *f != nil && (*f)(w, r) {
		return
	}
	var batch []struct {
		ID     int    `json:"id"`
		Method string `json:"method"`
		Params []any  `json:"params"`
	}
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var all []map[string]any
	for _, c := range batch {
		e.methods = append(e.methods, c.Method)
		one := map[string]any{"jsonrpc": "2.0", "id": c.ID}
		switch a := e.answer(c.Method, c.Params).(type) {
		case *rpcError:
			one["error"] = a
		default:
			one["result"] = a
		}
		all = append(all, one)
	}
	slices.Reverse(all) // a batch may be answered in any order
	json.NewEncoder(w).Encode(all)
}

var headQuery = registry.HeadQuery{Contract: state.Address{1}, Slots: []state.Word{{2}, {3}}}

func logQuery() registry.LogQuery {
	return registry.LogQuery{Contract: state.Address{1}, Org: state.Word{2}, Scopes: []state.Word{{3}}, From: 5, To: 9}
}

func TestHead(t *testing.T) {
	e, c := serve(t)
	e.answer = func(method string, params []any) any { return fmt.Sprint(method, params) }
	r, err := c.Head(t.Context(), headQuery)
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{
		`"eth_chainId[]"`:                    r.ChainID,
		`"eth_getHeaderByNumber[latest]"`:    r.Latest,
		`"eth_getHeaderByNumber[safe]"`:      r.Safe,
		`"eth_getHeaderByNumber[finalized]"`: r.Finalized,
		`"eth_getProof[` + state.Address{1}.String() + ` [0x` + state.Word{2}.String() + ` 0x` + state.Word{3}.String() + `] latest]"`: r.Proof,
	} {
		if string(got) != name {
			t.Errorf("got %s, want %s", got, name)
		}
	}
	if n := e.calls.Load(); n != 1 {
		t.Errorf("%d requests, want one", n)
	}
}

// A look that needs nothing final asks for two headers less.
func TestHeadOfTheTipOnly(t *testing.T) {
	e, c := serve(t)
	e.answer = func(method string, params []any) any { return fmt.Sprint(method, params) }
	full, err := c.Head(t.Context(), headQuery)
	if err != nil {
		t.Fatal(err)
	}
	q := headQuery
	q.TipOnly, e.methods = true, nil
	r, err := c.Head(t.Context(), q)
	want := full
	want.Safe, want.Finalized = nil, nil
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("got %s, %v, want %s", r, err, want)
	}
	if slices.Sort(e.methods); !slices.Equal(e.methods, []string{"eth_chainId", "eth_getHeaderByNumber", "eth_getProof"}) {
		t.Errorf("asked %v", e.methods)
	}
}

// What confirms another endpoint's proof asks for one header by its number, and
// for no proof.
func TestHeadAt(t *testing.T) {
	e, c := serve(t)
	e.answer = func(method string, params []any) any { return fmt.Sprint(method, params) }
	r, err := c.Head(t.Context(), registry.HeadQuery{Contract: state.Address{1}, At: 77})
	if err != nil || string(r.Latest) != `"eth_getHeaderByNumber[0x4d]"` || string(r.Finalized) != `"eth_getHeaderByNumber[finalized]"` || r.Proof != nil {
		t.Errorf("got %s, %s, proof %q, %v", r.Latest, r.Finalized, r.Proof, err)
	}
	if slices.Contains(e.methods, "eth_getProof") {
		t.Errorf("asked %v", e.methods)
	}
	if _, err := c.Head(t.Context(), registry.HeadQuery{Slots: headQuery.Slots, At: 77}); registry.FaultOf(err) != registry.Refused {
		t.Errorf("a proof at a number: %v, want refused", err)
	}
	// A block that is not there yet, as an error: headers are asked for as before.
	e.answer = func(string, []any) any { return &rpcError{Code: -32000, Message: "unknown block"} }
	if _, err := c.Head(t.Context(), registry.HeadQuery{At: 78}); registry.FaultOf(err) != registry.Refused {
		t.Errorf("a block that is not there: %v, want refused", err)
	}
	if c.wholeBlocks.Load() {
		t.Error("blocks will be asked for instead of headers")
	}
}

// An endpoint without eth_getHeaderByNumber is asked for blocks, and remembered.
func TestHeadersFromBlocks(t *testing.T) {
	e, c := serve(t)
	e.answer = func(method string, _ []any) any {
		if method == "eth_getHeaderByNumber" {
			return &rpcError{Code: codeMethodNotFound, Message: "the method does not exist"}
		}
		return method
	}
	for range 2 {
		if r, err := c.Head(t.Context(), headQuery); err != nil || string(r.Latest) != `"eth_getBlockByNumber"` {
			t.Fatalf("got %s, %v", r.Latest, err)
		}
	}
	if n := e.calls.Load(); n != 3 {
		t.Errorf("%d requests, want 3: one to learn", n)
	}
	if h, err := c.Headers(t.Context(), []uint64{1, 2}); err != nil || len(h) != 2 || string(h[1]) != `"eth_getBlockByNumber"` {
		t.Errorf("got %s, %v", h, err)
	}
}

// A chain that has no finality yet answers with an error or null: no header.
func TestNoFinality(t *testing.T) {
	e, c := serve(t)
	e.answer = func(_ string, params []any) any {
		if len(params) > 0 && params[0] == "finalized" {
			return &rpcError{Code: -39001, Message: "Unknown block"}
		}
		return "x"
	}
	r, err := c.Head(t.Context(), headQuery)
	if err != nil || r.Finalized != nil || string(r.Safe) != `"x"` {
		t.Errorf("got %s, %s, %v", r.Safe, r.Finalized, err)
	}
	e.answer = func(_ string, params []any) any {
		if len(params) > 0 && params[0] == "latest" {
			return &rpcError{Code: -32000, Message: "not ready"}
		}
		return "x"
	}
	if _, err := c.Head(t.Context(), headQuery); registry.FaultOf(err) != registry.Refused {
		t.Errorf("no latest header: got %v, want refused", err)
	}
}

func TestLogs(t *testing.T) {
	e, c := serve(t)
	var asked string
	e.answer = func(method string, params []any) any {
		b, _ := json.Marshal(params)
		asked = method + string(b)
		return []string{"log"}
	}
	raw, err := c.Logs(t.Context(), logQuery())
	if err != nil || string(raw) != `["log"]` {
		t.Fatalf("got %s, %v", raw, err)
	}
	want := fmt.Sprintf(`eth_getLogs[{"address":"%s","fromBlock":"0x5","toBlock":"0x9","topics":["0x%s","0x%s",["0x%s"]]}]`,
		state.Address{1}, state.EventTopic, state.Word{2}, state.Word{3})
	if asked != want {
		t.Errorf("asked %s, want %s", asked, want)
	}
}

// What providers say when a range is too wide, when it is past their head, and
// when they just refuse.
func TestLogsFaults(t *testing.T) {
	e, c := serve(t)
	for _, row := range []struct {
		code    int
		message string
		want    registry.Fault
	}{
		{-32602, "invalid block range params", registry.PastHead},
		{-32602, "block range extends beyond current head block", registry.PastHead},
		{-32602, "query exceeds max block range 100000", registry.TooWide},
		{-32602, "Under the Free tier plan, you can make eth_getLogs requests with up to a 5 block range.", registry.TooWide},
		{-32005, "query returned more than 10000 results", registry.TooWide},
		{-32000, "exceed maximum block range: 50000", registry.TooWide},
		{-32614, "eth_getLogs is limited to a 10,000 range", registry.TooWide},
		{-32008, "Response is too big, exceeded limit", registry.TooWide},
		{-32000, "unauthorized", registry.Refused},
		{-32602, "invalid params: topics", registry.Refused},
		{-32601, "the method eth_getLogs does not exist", registry.Refused},
	} {
		e.answer = func(string, []any) any { return &rpcError{row.code, row.message} }
		if _, err := c.Logs(t.Context(), logQuery()); registry.FaultOf(err) != row.want {
			t.Errorf("%d %q: got %v, want %v", row.code, row.message, err, row.want)
		}
	}
}

func TestFaults(t *testing.T) {
	gate := make(chan struct{})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "[]") }))
	defer other.Close()
	body := func(s string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { io.WriteString(w, s); return true }
	}
	rows := map[string]struct {
		respond func(w http.ResponseWriter, r *http.Request) bool
		want    registry.Fault
	}{
		"not JSON":          {body("hello"), registry.Unavailable},
		"empty":             {body(""), registry.Unavailable},
		"one answer":        {body(`{"jsonrpc":"2.0","id":0,"result":"0x1"}`), registry.Unavailable},
		"one error":         {body(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not served"}}`), registry.Refused},
		"too few":           {body(`[]`), registry.Unavailable},
		"an id twice":       {body(`[{"id":0,"result":1},{"id":0,"result":1},{"id":1,"result":1},{"id":2,"result":1},{"id":3,"result":1}]`), registry.Unavailable},
		"a foreign id":      {body(`[{"id":9,"result":1},{"id":0,"result":1},{"id":1,"result":1},{"id":2,"result":1},{"id":3,"result":1}]`), registry.Unavailable},
		"ids as text":       {body(`[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"}]`), registry.Unavailable},
		"status 500":        {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }, registry.Unavailable},
		"status 401":        {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(401); return true }, registry.Unavailable},
		"too many requests": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(429); return true }, registry.Unavailable},
		"redirect elsewhere": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
			return true
		}, registry.Unavailable},
		"redirects for ever": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return true
		}, registry.Unavailable},
		"an endless body": {endless(nil), registry.TooLarge},
		"an endless gzip body": {endless(func(w http.ResponseWriter) io.Writer {
			w.Header().Set("Content-Encoding", "gzip")
			return gzip.NewWriter(w)
		}), registry.TooLarge},
		"closed in the middle": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "[")
			return true
		}, registry.Unavailable},
		"no answer at all": {func(_ http.ResponseWriter, r *http.Request) bool { <-gate; return true }, registry.Unavailable},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			e, c := serve(t)
			if name == "no answer at all" {
				c.timeout = 50 * time.Millisecond
			}
			e.set(row.respond)
			_, err := c.Head(t.Context(), headQuery)
			if got := registry.FaultOf(err); err == nil || got != row.want {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if strings.Contains(err.Error(), e.URL) || strings.Contains(err.Error(), other.URL) {
				t.Errorf("error %q holds the URL, which may hold an access key", err)
			}
			if name == "no answer at all" {
				close(gate)
			}
			// Twin: the same endpoint, well again and asked after its back-off.
			e.set(nil)
			c.backoff.succeeded()
			if _, err := c.Head(t.Context(), headQuery); err != nil {
				t.Errorf("well again: %v", err)
			}
		})
	}
}

// endless writes until the reader hangs up.
func endless(through func(http.ResponseWriter) io.Writer) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		var to io.Writer = w
		if through != nil {
			to = through(w)
		}
		block := []byte("[" + strings.Repeat(" ", 1<<16))
		for {
			if _, err := to.Write(block); err != nil {
				return true
			}
		}
	}
}

func TestLogsAreCutOff(t *testing.T) {
	e, c := serve(t)
	e.answer = func(string, []any) any { return strings.Repeat("x", 10_000) }
	q := logQuery()
	q.Max = 9_000
	if _, err := c.Logs(t.Context(), q); registry.FaultOf(err) != registry.TooLarge {
		t.Errorf("got %v, want too large", err)
	}
	q.Max = 11_000
	if raw, err := c.Logs(t.Context(), q); err != nil || len(raw) != 10_002 {
		t.Errorf("twin: %d bytes, %v", len(raw), err)
	}
}

func TestBackOff(t *testing.T) {
	e, c := serve(t)
	now := time.Unix(1000, 0)
	c.backoff.now = func() time.Time { return now }
	e.set(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true })
	ask := func() error { _, err := c.Logs(context.Background(), logQuery()); return err }
	for _, wait := range []time.Duration{500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000} {
		wait *= time.Millisecond
		if err := ask(); registry.FaultOf(err) != registry.Unavailable {
			t.Fatalf("got %v", err)
		}
		calls := e.calls.Load()
		now = now.Add(wait - time.Millisecond)
		var f *registry.Failure
		if err := ask(); !errors.As(err, &f) || f.Fault != registry.BackOff || f.RetryAfter != time.Millisecond {
			t.Fatalf("after %v: %v, want back-off", wait, err)
		}
		if e.calls.Load() != calls {
			t.Fatal("it was asked in its back-off")
		}
		now = now.Add(time.Millisecond)
	}
	e.set(nil)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	// What an endpoint asks for counts, up to ten minutes.
	e.set(func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Retry-After", "100000")
		w.WriteHeader(429)
		return true
	})
	ask()
	if got := c.backoff.wait(); got != maxRetryAfter {
		t.Errorf("waits %v, want %v", got, maxRetryAfter)
	}
	// An error of JSON-RPC, and a caller who lost interest, are no outage.
	c.backoff.succeeded()
	e.set(nil)
	e.answer = func(string, []any) any { return &rpcError{-32000, "no"} }
	ask()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c.Logs(ctx, logQuery())
	if got := c.backoff.wait(); got != 0 {
		t.Errorf("waits %v, want not at all", got)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	e, c := serve(t)
	if _, err := c.Head(t.Context(), registry.HeadQuery{Slots: make([]state.Word, registry.MaxSlots+1)}); registry.FaultOf(err) != registry.Refused {
		t.Errorf("slots: %v", err)
	}
	if _, err := c.Headers(t.Context(), make([]uint64, registry.MaxHeaders+1)); registry.FaultOf(err) != registry.Refused {
		t.Errorf("headers: %v", err)
	}
	for _, alter := range []func(*registry.LogQuery){
		func(q *registry.LogQuery) { q.Scopes = nil },
		func(q *registry.LogQuery) { q.Scopes = make([]state.Word, registry.MaxSlots+1) },
		func(q *registry.LogQuery) { q.To = q.From - 1 },
	} {
		q := logQuery()
		alter(&q)
		if _, err := c.Logs(t.Context(), q); registry.FaultOf(err) != registry.Refused {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if n := e.calls.Load(); n != 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestDial(t *testing.T) {
	for _, u := range []string{"", "ftp://x", "x", "http://", "file:///etc/passwd", "://"} {
		if _, err := Dial(u); !errors.Is(err, ErrURL) {
			t.Errorf("%q: got %v, want ErrURL", u, err)
		}
	}
	for _, u := range []string{"wss://h:1/key?a=b", "ws://h", "https://h/k"} {
		c, err := Dial(u)
		if err != nil || c.url != u || (c.ws != "") != strings.HasPrefix(u, "ws") {
			t.Errorf("%q: %+v, %v", u, c, err)
		}
	}
	if got, want := Name("https://user:pw@h:1/secret?key=x"), "https://h:1"; got != want {
		t.Errorf("Name %q, want %q", got, want)
	}
}

func FuzzSplitBatch(f *testing.F) {
	f.Add([]byte(`[{"id":1,"result":{}},{"id":0,"error":{"code":-1,"message":"x"}}]`))
	f.Add([]byte(`{"error":{"code":-32600,"message":"no"}}`))
	f.Add([]byte(`[{"id":0},{"id":0}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		replies, err := splitBatch(raw, 2)
		if err != nil {
			var failed *registry.Failure
			if !errors.As(err, &failed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		for i, r := range replies {
			var id int
			if json.Unmarshal(r.ID, &id) != nil || id != i {
				t.Fatalf("answer %d has id %s", i, r.ID)
			}
		}
	})
}
