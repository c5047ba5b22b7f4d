package pipe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// echo is a Backend that shows what arrived.
type echo struct {
	places []Place
	wake   func()
	err    error
	block  []byte
	head   registry.HeadQuery
	logs   registry.LogQuery
	taken  []byte // the receipt, its key before it
}

func (e *echo) Configure(p []Place) error { e.places = p; return e.err }

func (e *echo) Watch(on bool, wake func()) {
	e.wake = nil
	if on {
		e.wake = wake
	}
}

func (e *echo) Head(ctx context.Context, endpoint int, q registry.HeadQuery) (registry.HeadReply, error) {
	e.head = q
	return registry.HeadReply{ChainID: []byte{byte(endpoint)}, Latest: append(q.Slots[0][:], byte(q.At)), Proof: q.Contract[:]}, e.err
}

func (e *echo) Logs(ctx context.Context, endpoint int, q registry.LogQuery) ([]byte, error) {
	e.logs = q
	if e.err == nil && e.block != nil {
		return e.block, nil
	}
	return q.Org[:], e.err
}

func (e *echo) Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error) {
	out := make([][]byte, len(numbers))
	for i, n := range numbers {
		if n > 0 {
			out[i] = []byte{byte(n)}
		}
	}
	return out, e.err
}

func (e *echo) Block(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if e.block == nil && e.err == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return e.block, e.err
}

func (e *echo) Segment(_ context.Context, archive int, scope state.Word, index uint64) ([]byte, error) {
	return append([]byte{byte(archive), byte(index)}, scope[:]...), e.err
}

func (e *echo) Receipt(_ context.Context, key state.Word, receipt []byte) error {
	e.taken = append(key[:], receipt...)
	return e.err
}

func (e *echo) Checkpoint(_ context.Context, place int, key witness.Key) ([]byte, error) {
	return append([]byte{byte(place)}, key[:]...), e.err
}

func start(t *testing.T, backend Backend) *Client {
	t.Helper()
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(context.Background(), b, backend) }()
	c := NewClient(a)
	t.Cleanup(func() {
		c.Close()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return c
}

func TestQuestionsAndAnswers(t *testing.T) {
	e := &echo{block: []byte("a block")}
	c := start(t, e)
	ctx := context.Background()
	places := []Place{{Endpoint, "http://127.0.0.1:1"}, {Folder, "/a folder"}}
	if err := c.Configure(ctx, places); err != nil || !reflect.DeepEqual(e.places, places) {
		t.Errorf("configure: %v, %v", e.places, err)
	}
	contract, slot := state.Address{1}, state.Word{2}
	head, err := c.Head(ctx, 3, registry.HeadQuery{Contract: contract, Slots: []state.Word{slot}, At: 7})
	want := registry.HeadReply{ChainID: []byte{3}, Latest: append(slot[:], 7), Proof: contract[:]}
	if err != nil || !reflect.DeepEqual(head, want) {
		t.Errorf("head: %+v, %v", head, err)
	}
	if e.head.TipOnly {
		t.Error("head: asked for the tip only")
	}
	spared := registry.HeadQuery{Contract: contract, Slots: []state.Word{slot}, TipOnly: true}
	if _, err := c.Head(ctx, 3, spared); err != nil || !reflect.DeepEqual(e.head, spared) {
		t.Errorf("head: %+v, %v", e.head, err)
	}
	query := registry.LogQuery{Contract: contract, Org: state.Word{4}, Scopes: []state.Word{{5}, {6}}, From: 7, To: 1 << 40, Max: 100}
	if b, err := c.Checkpoint(ctx, 2, witness.Key{9}); err != nil || !bytes.Equal(b, append([]byte{2, 9}, make([]byte, 31)...)) {
		t.Errorf("checkpoint: %x, %v", b, err)
	}
	if logs, err := c.Logs(ctx, 0, query); err != nil || string(logs) != "a block" || !reflect.DeepEqual(e.logs, query) {
		t.Errorf("logs: %q, %v; asked %+v", logs, err, e.logs)
	}
	headers, err := c.Headers(ctx, 0, []uint64{1, 0, 3})
	if err != nil || !reflect.DeepEqual(headers, [][]byte{{1}, nil, {3}}) {
		t.Errorf("headers: %v, %v", headers, err)
	}
	if b, err := c.Get(ctx, bundle.CID{1}, 7); err != nil || string(b) != "a block" {
		t.Errorf("block: %q, %v", b, err)
	}
	if _, err := c.Get(ctx, bundle.CID{1}, 6); !errors.Is(err, bundle.ErrTooLarge) {
		t.Errorf("block over its limit: %v", err)
	}
	if b, err := c.Segment(ctx, 2, slot, 9); err != nil || !bytes.Equal(b, append([]byte{2, 9}, slot[:]...)) {
		t.Errorf("segment: %x, %v", b, err)
	}
	if err := c.Receipt(ctx, slot, []byte("signed")); err != nil || !bytes.Equal(e.taken, append(slot[:], "signed"...)) {
		t.Errorf("receipt: %x, %v", e.taken, err)
	}
}

func TestHints(t *testing.T) {
	e := &echo{}
	c := start(t, e)
	if err := c.Watch(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	e.wake()
	select {
	case <-c.Hints():
	case <-time.After(30 * time.Second):
		t.Error("no hint")
	}
	if err := c.Watch(context.Background(), false); err != nil || e.wake != nil {
		t.Errorf("watch off: %v", err)
	}
}

func TestFailures(t *testing.T) {
	e := &echo{err: &registry.Failure{Fault: registry.BackOff, Detail: strings.Repeat("é", 400), RetryAfter: 1500 * time.Millisecond}}
	c := start(t, e)
	_, err := c.Logs(context.Background(), 0, registry.LogQuery{Scopes: []state.Word{{}}})
	var f *registry.Failure
	if !errors.As(err, &f) || f.Fault != registry.BackOff || f.RetryAfter != 1500*time.Millisecond || len(f.Detail) != MaxDetail {
		t.Errorf("failure: %+v", f)
	}
	e.err = nil
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, bundle.CID{}, 10); registry.FaultOf(err) != registry.Unavailable {
		t.Errorf("slow answer: %v", err)
	}
	// The late answer is for nobody and harms nothing.
	if _, err := c.Headers(context.Background(), 0, []uint64{1}); err != nil {
		t.Errorf("after a late answer: %v", err)
	}
}

// A fetch that was taken over answers what nobody asked, too much, or nonsense:
// the connection ends, nothing is believed. The accepted twin is each row's
// question answered properly.
func TestHostileFetch(t *testing.T) {
	good := frame{kind: kindResults, id: 1, fields: [][]byte{{1}}}
	for name, c := range map[string]struct {
		reply frame
		raw   []byte
		gone  bool // fetch ends after its reply
		ok    bool
	}{
		"proper":                  {reply: good, ok: true},
		"other question":          {reply: frame{kind: kindResults, id: 2, fields: good.fields}},
		"question 0":              {reply: frame{kind: kindResults, id: 0, fields: good.fields}},
		"hint with an id":         {reply: frame{kind: kindHint, id: 1}},
		"question back":           {reply: frame{kind: kindHead, id: 1, fields: good.fields}},
		"too many results":        {reply: frame{kind: kindResults, id: 1, fields: [][]byte{{1}, {2}}}},
		"no result":               {reply: frame{kind: kindResults, id: 1}},
		"too long":                {reply: frame{kind: kindResults, id: 1, fields: [][]byte{make([]byte, allowance+11)}}},
		"failure of fault 0":      {reply: frame{kind: kindFailure, id: 1, fields: [][]byte{{0}, {0, 0, 0, 0}, nil}}},
		"failure of fault 7":      {reply: frame{kind: kindFailure, id: 1, fields: [][]byte{{7}, {0, 0, 0, 0}, nil}}},
		"failure without a field": {reply: frame{kind: kindFailure, id: 1, fields: [][]byte{{1}}}},
		"four gigabytes":          {raw: []byte{255, 255, 255, 255, byte(kindResults), 0, 0, 0, 1}},
		"length below the header": {raw: []byte{0, 0, 0, 1, byte(kindResults), 0, 0, 0, 1}},
		"field beyond the frame":  {raw: []byte{0, 0, 0, 9, byte(kindResults), 0, 0, 0, 1, 0, 0, 0, 1}},
		"end in mid-frame":        {raw: []byte{0, 0, 0, 9, byte(kindResults)}, gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			client := NewClient(a)
			defer client.Close()
			go func() {
				defer b.Close()
				if _, err := readFrame(b, questionLimit); err != nil {
					return
				}
				raw := c.raw
				if raw == nil {
					raw, _ = c.reply.marshal()
				}
				b.Write(raw)
				if !c.gone {
					io.Copy(io.Discard, b)
				}
			}()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			got, err := client.Logs(ctx, 0, registry.LogQuery{Scopes: []state.Word{{}}, Max: 10})
			if ctx.Err() != nil && c.raw == nil {
				t.Fatal("nobody noticed")
			}
			if c.ok != (err == nil) || c.ok && !bytes.Equal(got, []byte{1}) {
				t.Errorf("got %q, %v", got, err)
			}
			if !c.ok {
				select {
				case <-client.Done():
				case <-time.After(30 * time.Second):
					t.Error("the connection lives on")
				}
			}
		})
	}
}

// run that sends nonsense ends fetch.
func TestHostileRun(t *testing.T) {
	for name, f := range map[string]frame{
		"answer":           {kind: kindResults, id: 1},
		"id 0":             {kind: kindConfigure},
		"place of no type": {kind: kindConfigure, id: 1, fields: [][]byte{[]byte("ftp x")}},
		"empty place":      {kind: kindConfigure, id: 1, fields: [][]byte{[]byte("endpoint ")}},
		"watch 2":          {kind: kindWatch, id: 1, fields: [][]byte{{2}}},
		"head of nothing":  {kind: kindHead, id: 1},
		"headers without":  {kind: kindHeaders, id: 1, fields: asked(0, time.Second)},
		"huge receipt":     {kind: kindReceipt, id: 1, fields: receiptQuestion{time.Second, state.Word{}, make([]byte, bundle.MaxReceipt+1)}.fields()},
		"segment of half":  {kind: kindSegment, id: 1, fields: segmentQuestion{0, time.Second, state.Word{}, 1}.fields()[:3]},
		"huge block":       {kind: kindBlock, id: 1, fields: blockQuestion{time.Second, bundle.CID{}, bundle.MaxBlock + 1}.fields()},
	} {
		b, err := f.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if err := Serve(context.Background(), rw{bytes.NewReader(b)}, &echo{}); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type rw struct{ io.Reader }

func (rw) Write(b []byte) (int, error) { return len(b), nil }
func (rw) Close() error                { return nil }
