package pipe

import (
	"bytes"
	"context"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/state"
)

// Whatever run's side sends, fetch answers or ends; it never panics.
func FuzzServe(f *testing.F) {
	for _, q := range []frame{
		{kind: kindConfigure, id: 1, fields: configureFields([]Place{{Endpoint, "http://a"}, {Folder, "/x"}})},
		{kind: kindWatch, id: 2, fields: [][]byte{{1}}},
		{kind: kindHead, id: 3, fields: headQuestion{0, time.Second, registry.HeadQuery{Slots: []state.Word{{1}}, TipOnly: true}}.fields()},
		{kind: kindLogs, id: 4, fields: logsQuestion{0, time.Second, registry.LogQuery{Scopes: []state.Word{{1}}, Max: 9}}.fields()},
		{kind: kindHeaders, id: 5, fields: headersQuestion{0, time.Second, []uint64{1, 2}}.fields()},
		{kind: kindBlock, id: 6, fields: blockQuestion{time.Second, [32]byte{}, 9}.fields()},
		{kind: kindSegment, id: 7, fields: segmentQuestion{1, time.Second, state.Word{1}, 2}.fields()},
		{kind: kindReceipt, id: 8, fields: receiptQuestion{time.Second, state.Word{1}, []byte("{}")}.fields()},
		{kind: kindCheckpoint, id: 9, fields: checkpointQuestion{1, time.Second, [32]byte{1}}.fields()},
	} {
		b, err := q.marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		Serve(context.Background(), rw{bytes.NewReader(b)}, &quiet{})
	})
}

// Whatever fetch's side sends, a frame that is read is the one that was written.
func FuzzReadFrame(f *testing.F) {
	for _, a := range []frame{
		{kind: kindResults, id: 1, fields: [][]byte{{1}, nil, {2, 3}}},
		{kind: kindFailure, id: 1, fields: failureFields(&registry.Failure{Fault: registry.TooWide, Detail: "x"})},
		{kind: kindHint},
	} {
		b, err := a.marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := readFrame(bytes.NewReader(b), func(kind, uint32) (int, error) { return 1 << 16, nil })
		if err != nil {
			return
		}
		again, err := got.marshal()
		if err != nil || !bytes.HasPrefix(b, again) {
			t.Errorf("marshal(parse(%x)) = %x, %v", b, again, err)
		}
		parseFailure(got.fields)
		headReply(got.fields)
	})
}

// quiet is a Backend that has nothing.
type quiet struct{ echo }

func (quiet) Configure([]Place) error { return nil }
func (quiet) Watch(bool, func())      {}
func (quiet) Head(context.Context, int, registry.HeadQuery) (registry.HeadReply, error) {
	return registry.HeadReply{}, nil
}
func (quiet) Logs(context.Context, int, registry.LogQuery) ([]byte, error) { return nil, nil }
func (quiet) Block(context.Context, bundle.CID, int) ([]byte, error)       { return nil, nil }
