package route

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/registry"
	"dpki/state"
)

var (
	contract = state.Address{0xab, 1}
	one, two = state.Word{1}, state.Word{0xff, 2}
)

var questions = []Question{
	Head{registry.HeadQuery{Contract: contract, Slots: []state.Word{one}}},
	Head{registry.HeadQuery{Contract: contract, Slots: make([]state.Word, registry.MaxSlots)}},
	Logs{registry.LogQuery{Contract: contract, Org: two, Scopes: []state.Word{one, two}, From: 0, To: 1<<64 - 1}},
	Headers{[]uint64{0, 7, 1 << 40}},
	Segment{two, 12},
	Witness{"Checkpoint-1.latest"},
	Receipt{two},
	Block{bundle.Sum([]byte("block"))},
}

func TestEachQuestionHasOnePath(t *testing.T) {
	for _, q := range questions {
		got, err := Parse(q.Path())
		if err != nil || !reflect.DeepEqual(got, q) {
			t.Errorf("%s: %+v, %v", q.Path(), got, err)
		}
	}
}

func TestOtherPathsAreRefused(t *testing.T) {
	head, logs := questions[0].Path(), questions[2].Path()
	for _, bad := range []string{
		"", "/", "/dpki/1/", "/dpki/2/headers/1", "dpki/1/headers/1", head + "/", head + ",", strings.ToUpper(head), head[:len(head)-1],
		head + strings.Repeat(","+one.String(), registry.MaxSlots), strings.Replace(head, "0xab", "0xAB", 1),
		strings.Replace(logs, "/0-", "/00-", 1), "/dpki/1/logs/" + contract.String() + "/" + two.String() + "/2-1/" + one.String(),
		"/dpki/1/headers/", "/dpki/1/headers/1,,2", "/dpki/1/headers/-1", "/dpki/1/headers/01", "/dpki/1/headers/" + strings.Repeat("1,", registry.MaxHeaders) + "1",
		"/dpki/1/segments/" + two.String(), "/dpki/1/segments/../x", "/dpki/1/witness/", "/dpki/1/witness/.hidden", "/dpki/1/witness/a/b", "/dpki/1/witness/..",
		"/dpki/1/witness/" + strings.Repeat("a", maxName+1), "/dpki/1/receipts/" + strings.ToUpper(two.String()), "/ipfs/", "/ipfs/" + bundle.Sum(nil).String() + "/x",
		"/" + strings.Repeat("x", MaxPath),
	} {
		if q, err := Parse(bad); !errors.Is(err, ErrPath) {
			t.Errorf("%.80q: %+v, %v", bad, q, err)
		}
	}
}

func TestHeadsAndHeaders(t *testing.T) {
	r := registry.HeadReply{ChainID: []byte(`"0x7"`), Latest: []byte(`{"number":"0x1"}`), Proof: []byte(`{"accountProof":[]}`)}
	b, err := MarshalHead(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseHead(b); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("head: %s, %v", b, err)
	}
	list := [][]byte{[]byte(`{"number":"0x1"}`), nil}
	if b, err = MarshalHeaders(list); err != nil {
		t.Fatal(err)
	}
	if got, err := ParseHeaders(b, 2); err != nil || !reflect.DeepEqual(got, list) {
		t.Errorf("headers: %s, %v", b, err)
	}
	if _, err := ParseHeaders(b, 3); err == nil {
		t.Error("two headers for three")
	}
	long := []byte(`"` + strings.Repeat("x", registry.MaxHeader) + `"`)
	if b, _ = MarshalHeaders([][]byte{long}); len(b) == 0 {
		t.Fatal("nothing to parse")
	}
	if _, err := ParseHeaders(b, 1); err == nil {
		t.Error("a header over its limit")
	}
	r.Latest = long
	if b, _ = MarshalHead(r); len(b) == 0 {
		t.Fatal("nothing to parse")
	}
	if _, err := ParseHead(b); err == nil {
		t.Error("a head with a header over its limit")
	}
}

func TestFaultsAndStatuses(t *testing.T) {
	for f := registry.Unavailable; f <= registry.BackOff; f++ {
		if got := Fault(Status(f)); got != f {
			t.Errorf("%v comes back as %v", f, got)
		}
	}
	for _, status := range []int{http.StatusNotFound, http.StatusTeapot, http.StatusFound} {
		if got := Fault(status); got != registry.Unavailable {
			t.Errorf("%d is %v", status, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range questions {
		f.Add(q.Path())
	}
	f.Fuzz(func(t *testing.T, path string) {
		if q, err := Parse(path); err == nil && q.Path() != path {
			t.Errorf("%q parses, and its path is %q", path, q.Path())
		}
	})
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"chain_id":"0x7","latest":{"number":"0x1"},"proof":{}}`), 1)
	f.Add([]byte(`[null,{"number":"0x1"}]`), 2)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if r, err := ParseHead(b); err == nil {
			if len(r.Latest) > registry.MaxHeader || len(r.Proof) > registry.MaxProof {
				t.Errorf("a part over its limit")
			}
		}
		if list, err := ParseHeaders(b, n); err == nil && len(list) != n {
			t.Errorf("%d headers for %d", len(list), n)
		}
	})
}
