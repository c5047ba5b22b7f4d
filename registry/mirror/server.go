package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/route"
	"dpki/registry/source"
	"dpki/registry/witness"
	"dpki/state"
)

const (
	// tipLife is how long an answer about the tip is kept: a revocation, and the
	// grant for a login that comes right after it, are seen that much later. Other
	// caches are told the least that HTTP can say.
	tipLife  = 200 * time.Millisecond
	leastAge = time.Second
	// finalLife is how long an answer about final blocks is kept. An upstream
	// that lied about one is asked again after that.
	finalLife = time.Hour
	// forEver is how long what is named by its content, or cannot grow, is kept.
	forEver = 365 * 24 * time.Hour

	// upstreamTime bounds one question to all upstreams.
	upstreamTime = 20 * time.Second
	// maxAsking is how many questions are asked of upstreams at once.
	maxAsking = 16
	// maxServing is how many requests are answered at once.
	maxServing = 256
)

// Source is an upstream for the chain: source.Client or source.Mirror.
type Source interface {
	Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error)
	Logs(ctx context.Context, q registry.LogQuery) ([]byte, error)
	Headers(ctx context.Context, numbers []uint64) ([][]byte, error)
}

// Config is what a Server is made of.
type Config struct {
	Registry state.Registry   // the one whose questions are answered
	Chain    []Source         // asked in this order
	Blocks   bundle.Getter    // asked for blocks
	Mirrors  []*source.Mirror // asked for segments and witnesses' files
	// Witnesses are the places of the checkpoints of some, beside Dir and Mirrors.
	Witnesses map[witness.Key][]source.Checkpoints
	Dir       string  // segments/, witness/, receipts/, blocks/; empty = none of them
	Memory    int64   // bytes of answers that are kept
	Disk      int64   // bytes of blocks that are kept in Dir
	Rate      float64 // questions a second for each address
	Log       *slog.Logger

	now func() time.Time // nil = time.Now
	tip time.Duration    // 0 = tipLife
}

// Server is the http.Handler.
type Server struct {
	c         Config
	cache     cache
	flights   flights
	rounds    rounds
	limiter   limiter
	receipts  *receipts
	blocks    *disk
	asking    chan struct{}
	serving   chan struct{}
	finalized atomic.Uint64 // the newest that an upstream has named
}

// New makes a Server.
func New(c Config) (*Server, error) {
	if c.now == nil {
		c.now = time.Now
	}
	if c.tip == 0 {
		c.tip = tipLife
	}
	s := &Server{c: c, cache: cache{max: c.Memory}, limiter: limiter{rate: c.Rate}, asking: make(chan struct{}, maxAsking), serving: make(chan struct{}, maxServing)}
	below := func(name string) string {
		if c.Dir == "" {
			return ""
		}
		return filepath.Join(c.Dir, name)
	}
	s.rounds.ask = s.askHead
	var err error
	if s.receipts, err = openReceipts(below("receipts"), c.Registry); err != nil {
		return nil, fmt.Errorf("mirror: %w", err)
	}
	if s.blocks, err = openDisk(below("blocks"), c.Disk, c.Blocks); err != nil {
		return nil, fmt.Errorf("mirror: %w", err)
	}
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case s.serving <- struct{}{}:
		defer func() { <-s.serving }()
	default:
		refuse(w, http.StatusServiceUnavailable)
		return
	}
	if !s.limiter.enter(r.RemoteAddr, s.c.now()) {
		refuse(w, http.StatusTooManyRequests)
		return
	}
	defer s.limiter.leave(r.RemoteAddr)
	q, err := route.Parse(r.URL.Path)
	if err != nil || r.URL.RawQuery != "" && r.URL.RawQuery != "format=raw" {
		refuse(w, http.StatusNotFound)
		return
	}
	receipt, isReceipt := q.(route.Receipt)
	switch {
	case r.Method == http.MethodPut && isReceipt:
		status := s.receipts.put(receipt.Key, r.Body, s.c.now())
		s.c.Log.Debug("receipt", "key", receipt.Key.String(), "status", status)
		w.WriteHeader(status)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed)
	default:
		s.send(w, r, s.answer(r.Context(), q))
	}
}

// refuse answers without asking anybody.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, http.StatusText(status), status)
}

func (s *Server) send(w http.ResponseWriter, r *http.Request, a *answer) {
	if a == nil { // the reader has gone
		return
	}
	if a.status != http.StatusOK {
		refuse(w, a.status)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	h.Set("X-Content-Type-Options", "nosniff")
	control := fmt.Sprintf("public, max-age=%d", int(max(a.keep, leastAge)/time.Second))
	if a.keep == forEver {
		control += ", immutable"
	}
	h.Set("Cache-Control", control)
	if r.Method != http.MethodHead {
		w.Write(a.body)
	}
}

// answer is from the cache, or asked for, once for all who wait for it. It is nil
// where the reader did not wait.
func (s *Server) answer(ctx context.Context, q route.Question) *answer {
	path := q.Path()
	if a := s.cache.get(path, s.c.now()); a != nil {
		return a
	}
	one := s.flights.do(path, func() *answer {
		a := s.ask(q)
		s.cache.put(path, a)
		return a
	})
	select {
	case <-one.done:
		return one.answer
	case <-ctx.Done():
		return nil
	}
}

// ask asks upstreams. A failure is kept for a moment as well: it is as costly.
func (s *Server) ask(q route.Question) *answer {
	ctx, cancel := context.WithTimeout(context.Background(), upstreamTime)
	defer cancel()
	if _, tip := q.(route.Head); !tip { // they wait for their round
		if !s.turn(ctx) {
			return &answer{status: http.StatusServiceUnavailable, until: s.c.now()}
		}
		defer s.done()
	}
	a, err := s.fetch(ctx, q)
	if err != nil {
		status := statusOf(err)
		s.c.Log.Debug("no answer", "question", q.Path(), "status", status, "error", err)
		return &answer{status: status, until: s.c.now().Add(s.c.tip)}
	}
	a.status, a.until = http.StatusOK, s.c.now().Add(a.keep)
	return a
}

// turn waits until an upstream may be asked.
func (s *Server) turn(ctx context.Context) bool {
	select {
	case s.asking <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) done() { <-s.asking }

// errAbsent: nobody has it.
var errAbsent = errors.New("not found")

func statusOf(err error) int {
	var f *registry.Failure
	switch {
	case errors.Is(err, errAbsent):
		return http.StatusNotFound
	case errors.Is(err, bundle.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.As(err, &f):
		return route.Status(f.Fault)
	}
	return http.StatusServiceUnavailable
}
