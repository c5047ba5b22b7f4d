package pinning_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/bundle/store/kubo"
	"dpki/bundle/store/pinning"
	daemon "dpki/internal/harness/kubo"
)

const token = "eyJ.t0ken"

var (
	block   = []byte("an encrypted block")
	blockID = bundle.Sum(block)
	other   = bundle.Sum([]byte("somebody else's block")).String()
)

func service(t testing.TB, url string) *pinning.Service {
	t.Helper()
	s, err := pinning.New(url, token, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPinned: a block that is put into the administrator's node ends up on another
// node, which a pinning service keeps, outlives the first, and is let go of.
func TestPinned(t *testing.T) {
	own, far := daemon.StartSwarmApart(t)
	p := daemon.StartPinning(t, far)
	node, err := kubo.New(own.API)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pinning.New(p.URL, p.Token, node.Addresses)
	if err != nil {
		t.Fatal(err)
	}
	stores := store.NewMulti(node)
	stores.Pinners = []store.Pinner{s}
	if _, err := stores.Put(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	if served := stores.Check(t.Context(), []bundle.CID{blockID}, 0, nil)[0]; len(served.By) != 1 || len(served.Missing) != 0 {
		t.Errorf("served by %v, missing %v", served.By, served.Missing)
	}
	own.Kill()
	gateway, err := store.NewGateway(far.Gateway)
	if err != nil {
		t.Fatal(err)
	}
	far.Run(t, "repo", "gc")
	if got, err := gateway.Get(t.Context(), blockID, 0); err != nil || string(got) != string(block) {
		t.Errorf("from the service's node, with the administrator's gone: %q, %v", got, err)
	}
	for range 2 { // the second finds nothing, which is no error
		if err := s.Unpin(t.Context(), blockID); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := s.Pinned(t.Context(), blockID); err != nil || kept {
		t.Errorf("Pinned = %v, %v, want false", kept, err)
	}
	far.Run(t, "repo", "gc")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := gateway.Get(ctx, blockID, 0); err == nil {
		t.Error("the service's node has the block still")
	}
	wrong, err := pinning.New(p.URL, "another", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := wrong.Pin(t.Context(), blockID); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "token is not taken") {
		t.Errorf("with another token: %v", err)
	}
}

// pins is an answer with orders for CIDs.
func pins(status string, cids ...string) map[string]any {
	list := []any{}
	for i, cid := range cids {
		list = append(list, order(fmt.Sprint("r", i), status, cid))
	}
	return map[string]any{"count": len(list), "results": list}
}

func order(name, status, cid string) map[string]any {
	return map[string]any{"requestid": name, "status": status, "created": "2026-01-01T00:00:00Z", "pin": map[string]any{"cid": cid}, "delegates": []string{}}
}

// answers is a service that says what it is told to, and the requests it got.
type answers struct {
	*httptest.Server
	list, post any
	deleted    []string
	posted     int
}

func serve(t testing.TB, a *answers) *pinning.Service {
	t.Helper()
	write := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pins", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token || r.URL.Query().Get("cid") != blockID.String() {
			t.Errorf("asked %s with %v", r.URL, r.Header)
		}
		write(w, a.list)
	})
	mux.HandleFunc("POST /pins", func(w http.ResponseWriter, _ *http.Request) { a.posted++; write(w, a.post) })
	mux.HandleFunc("DELETE /pins/{id}", func(_ http.ResponseWriter, r *http.Request) { a.deleted = append(a.deleted, r.PathValue("id")) })
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return service(t, a.URL)
}

// A service lists somebody else's orders under a block's name, so that letting go
// of that block would take those back. Nothing is taken back; the twin is.
func TestAttackListing(t *testing.T) {
	many := make([]string, 200)
	for i := range many {
		many[i] = blockID.String()
	}
	odd := pins("pinned", blockID.String())
	odd["results"] = []any{order("..", "pinned", blockID.String())}
	for _, test := range []struct {
		name string
		list any
		want error
	}{
		{"another block's order", pins("pinned", other), store.ErrAltered},
		{"another block's order among the right ones", pins("pinned", blockID.String(), other), store.ErrAltered},
		{"more than was asked for", pins("pinned", many...), store.ErrTooLarge},
		{"an order whose name leads elsewhere", odd, store.ErrAltered},
		{"nonsense", []any{1, 2}, store.ErrUnavailable},
	} {
		a := &answers{list: test.list}
		s := serve(t, a)
		if err := s.Unpin(t.Context(), blockID); !errors.Is(err, test.want) || len(a.deleted) > 0 {
			t.Errorf("%s: %v, taken back %v; want %v", test.name, err, a.deleted, test.want)
		}
		if kept, err := s.Pinned(t.Context(), blockID); kept || !errors.Is(err, test.want) {
			t.Errorf("%s: Pinned = %v, %v", test.name, kept, err)
		}
		if err := s.Pin(t.Context(), blockID); !errors.Is(err, test.want) || a.posted > 0 {
			t.Errorf("%s: Pin = %v", test.name, err)
		}
	}
	a := &answers{list: pins("queued", blockID.String(), blockID.String())}
	if err := serve(t, a).Unpin(t.Context(), blockID); err != nil || len(a.deleted) != 2 {
		t.Errorf("twin: %v, taken back %v, want both orders", err, a.deleted)
	}
}

func TestPin(t *testing.T) {
	for _, test := range []struct {
		name       string
		list, post any
		posted     int
		want       error
	}{
		{"new", pins("pinned"), order("r", "queued", blockID.String()), 1, nil},
		{"ordered already", pins("pinning", blockID.String()), nil, 0, nil},
		{"failed before", pins("failed", blockID.String()), order("r", "pinned", blockID.String()), 1, nil},
		{"fails", pins("pinned"), order("r", "failed", blockID.String()), 1, store.ErrUnavailable},
		{"takes another order", pins("pinned"), order("r", "pinned", other), 1, store.ErrAltered},
	} {
		a := &answers{list: test.list, post: test.post}
		if err := serve(t, a).Pin(t.Context(), blockID); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || a.posted != test.posted {
			t.Errorf("%s: %v after %d orders, want %v", test.name, err, a.posted, test.want)
		}
	}
}

// The token goes to the service that it is for, and into no error.
func TestAttackToken(t *testing.T) {
	stolen := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen = r.Header.Get("Authorization") }))
	defer thief.Close()
	for name, h := range map[string]http.HandlerFunc{
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
		},
		"said again":   func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.Header.Get("Authorization"), 400) },
		"without end":  func(w http.ResponseWriter, r *http.Request) { endless(w, r) },
		"not its JSON": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("Authorization")) },
		"hangs up":     func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		s := httptest.NewServer(h)
		err := service(t, s.URL).Pin(t.Context(), blockID)
		if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), token) || stolen != "" {
			t.Errorf("%s: %v, sent on %q", name, err, stolen)
		}
		s.Close()
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, `{"results":[`)
	for r.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func TestAttackServiceHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := service(t, "http://"+l.Addr().String()).Pin(ctx, blockID); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestNew(t *testing.T) {
	for _, base := range []string{"", "api.example", "ftp://x", "http://api.example", "http://10.0.0.1", "https://u:p@api.example", "https://api.example?x=1"} {
		if _, err := pinning.New(base, token, nil); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
	for _, bad := range []string{"", "two words", "line\nX-Header: y", strings.Repeat("x", pinning.MaxToken+1)} {
		_, err := pinning.New("https://api.example", bad, nil)
		if err == nil {
			t.Errorf("token %.20q was accepted", bad)
		} else if bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error says the token: %v", err)
		}
	}
	for _, base := range []string{"https://api.example/psa/", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"} {
		if _, err := pinning.New(base, token, nil); err != nil {
			t.Errorf("twin %q: %v", base, err)
		}
	}
}
