package store_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/bundle/store/storetest"
	"dpki/internal/devchain"
)

var (
	block   = []byte("an encrypted block")
	blockID = bundle.Sum(block)
)

func gateway(t testing.TB, h http.HandlerFunc) *store.Gateway {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	g, err := store.NewGateway(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The request is the one of the trustless gateway specification.
func TestGatewayRequest(t *testing.T) {
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/ipfs/"+blockID.String() || r.URL.RawQuery != "format=raw" ||
			r.Header.Get("Accept") != "application/vnd.ipld.raw" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		w.Write(block)
	})
	if got, err := g.Get(t.Context(), blockID, 0); err != nil || !bytes.Equal(got, block) {
		t.Errorf("Get = %q, %v", got, err)
	}
	if _, err := g.Put(t.Context(), block); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Put: %v, want ErrReadOnly", err)
	}
}

// A gateway can withhold, and nothing else. The last row is the twin.
func TestAttackGateway(t *testing.T) {
	write := func(b []byte) http.HandlerFunc { return func(w http.ResponseWriter, _ *http.Request) { w.Write(b) } }
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); w.Write(block) }
	}
	var squeezed bytes.Buffer
	z := gzip.NewWriter(&squeezed)
	z.Write(make([]byte, 64<<20)) // 64 MiB of zeros in 64 KiB
	z.Close()
	for _, test := range []struct {
		name string
		h    http.HandlerFunc
		want error
	}{
		{"other bytes", write([]byte("another block")), store.ErrAltered},
		{"one bit", write(append([]byte{block[0] ^ 1}, block[1:]...)), store.ErrAltered},
		{"a byte more", write(append(bytes.Clone(block), 0)), store.ErrAltered},
		{"cut short", write(block[:5]), store.ErrAltered},
		{"nothing", write(nil), store.ErrAltered},
		{"a page instead of the block", write([]byte("<html>please log in</html>")), store.ErrAltered},
		{"more than a block, announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(bundle.MaxBlock+1))
			w.Write(make([]byte, bundle.MaxBlock+1))
		}, store.ErrTooLarge},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, store.ErrTooLarge},
		{"a compression bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(squeezed.Bytes())
		}, store.ErrAltered},
		{"shorter than announced", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write(block)
		}, store.ErrUnavailable},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 64<<10))
			w.Write(block)
		}, store.ErrUnavailable},
		{"not found", status(404), store.ErrNotFound},
		{"gone", status(410), store.ErrNotFound},
		{"too many requests", status(429), store.ErrUnavailable},
		{"server error", status(500), store.ErrUnavailable},
		{"no content", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, store.ErrUnavailable},
		{"partial content", status(206), store.ErrUnavailable},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, store.ErrUnavailable},
		{"the block", write(block), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := gateway(t, test.h).Get(t.Context(), blockID, 0)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || bytes.Equal(got, block) != (test.want == nil) {
				t.Errorf("%q, %v, want %v", got, err, test.want)
			}
		})
	}
}

// A gateway must not be able to send a device's requests to another host.
func TestAttackGatewayRedirects(t *testing.T) {
	visited := false
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visited = true
		w.Write(block)
	}))
	defer inside.Close()
	for _, target := range []string{
		inside.URL + "/ipfs/" + blockID.String(),
		strings.Replace(inside.URL, "127.0.0.1", "localhost", 1) + "/",
		"https://" + strings.TrimPrefix(inside.URL, "http://") + "/",
		"file:///etc/passwd",
	} {
		g := gateway(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
		if _, err := g.Get(t.Context(), blockID, 0); !errors.Is(err, store.ErrUnavailable) || visited {
			t.Errorf("redirected to %s: %v, visited %v, want ErrUnavailable", target, err, visited)
		}
	}
	asked := 0
	loop := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 100 {
			panic(http.ErrAbortHandler)
		}
		http.Redirect(w, r, r.URL.Path+"?", http.StatusFound)
	})
	if _, err := loop.Get(t.Context(), blockID, 0); !errors.Is(err, store.ErrUnavailable) || asked > 3 {
		t.Errorf("redirected in a circle: %v after %d requests, want ErrUnavailable after 3", err, asked)
	}
	own := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			w.Write(block)
			return
		}
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	if got, err := own.Get(t.Context(), blockID, 0); err != nil || !bytes.Equal(got, block) {
		t.Errorf("twin, redirected on the same host: %q, %v", got, err)
	}
}

func TestGatewayDeadline(t *testing.T) {
	release := make(chan struct{})
	g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(block[:3])
		w.(http.Flusher).Flush()
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := g.Get(ctx, blockID, 0); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a body that never ends: %v, want ErrUnavailable", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestGatewayThatIsNotThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	g, err := store.NewGateway(url)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Get(t.Context(), blockID, 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestNewGateway(t *testing.T) {
	for _, base := range []string{"", "gw.example", "ftp://gw.example", "http://", "file:///ipfs", "http://user:pass@gw.example", "http://gw.example?x=1", "http://gw.example#x", "http://[::1"} {
		if _, err := store.NewGateway(base); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gw/ipfs/"+blockID.String() {
			w.Write(block)
		}
	}))
	defer s.Close()
	for _, base := range []string{s.URL + "/gw", s.URL + "/gw/"} {
		g, err := store.NewGateway(base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Get(t.Context(), blockID, 0); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// The sandbox of dpki-sandbox itself.
func TestSandbox(t *testing.T) {
	chain := devchain.New(t, devchain.Options{NoContract: true})
	s, err := store.NewSandbox(chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Test(t, s)
	g, err := store.NewGateway(chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	if got, err := g.Get(t.Context(), blockID, 0); err != nil || !bytes.Equal(got, block) {
		t.Errorf("through a gateway: %q, %v", got, err)
	}
}

func TestAttackSandboxPut(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		answer string
		want   error
	}{
		{"another CID", 200, bundle.Sum([]byte("x")).String(), store.ErrAltered},
		{"no CID", 200, "", store.ErrAltered},
		{"refuses", 507, blockID.String(), store.ErrUnavailable},
		{"the CID", 200, blockID.String() + "\n", nil},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			w.Write([]byte(test.answer))
		}))
		box, err := store.NewSandbox(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.Put(t.Context(), block); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		s.Close()
	}
}
