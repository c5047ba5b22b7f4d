package device

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/device/pipe"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// Starter starts a fetch process and returns run's end of its pipe. Closing the
// end ends the process.
type Starter func(ctx context.Context) (io.ReadWriteCloser, error)

const (
	firstBackOff = 200 * time.Millisecond
	lastBackOff  = 30 * time.Second
	// stable is how long a fetch must have lived for its end to be forgiven.
	stable = time.Minute
)

// Supervisor keeps a fetch process alive and is the Fetcher over whichever one
// lives. Without one, every question fails at once.
type Supervisor struct {
	start Starter
	log   *slog.Logger
	hints chan struct{}

	mu     sync.Mutex
	client *pipe.Client
	places []pipe.Place
	watch  bool
	told   chan struct{} // closed and replaced when places or watch change
}

// NewSupervisor makes a Supervisor; Run does its work.
func NewSupervisor(start Starter, log *slog.Logger) *Supervisor {
	return &Supervisor{start: start, log: log, hints: make(chan struct{}, 1), told: make(chan struct{})}
}

// Run starts fetch, and starts it again when it ends, until ctx does.
func (s *Supervisor) Run(ctx context.Context) {
	wait := firstBackOff
	for ctx.Err() == nil {
		began := time.Now()
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > stable {
			wait = firstBackOff
		}
		s.log.Warn("fetch ended; starting it again", "reason", err, "in", wait)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait = min(2*wait, lastBackOff)
	}
}

// once is one fetch process's life.
func (s *Supervisor) once(ctx context.Context) error {
	conn, err := s.start(ctx)
	if err != nil {
		return err
	}
	client := pipe.NewClient(conn)
	defer client.Close()
	defer s.use(nil)
	began := true
	for {
		s.mu.Lock()
		places, watch, told := s.places, s.watch, s.told
		s.mu.Unlock()
		if err := tell(ctx, client, places, watch); err != nil {
			return err
		}
		s.use(client)
		if began { // the engine need not wait for its next look
			began = false
			s.hint()
		}
	wait:
		for {
			select {
			case <-client.Hints():
				s.hint()
			case <-told:
				break wait
			case <-client.Done():
				return client.Err()
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func (s *Supervisor) hint() {
	select {
	case s.hints <- struct{}{}:
	default:
	}
}

func tell(ctx context.Context, client *pipe.Client, places []pipe.Place, watch bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := client.Configure(ctx, places); err != nil {
		return err
	}
	return client.Watch(ctx, watch)
}

func (s *Supervisor) use(c *pipe.Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = c
}

func (s *Supervisor) current() (*pipe.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil, &registry.Failure{Fault: registry.Unavailable, Detail: "fetch is not running"}
	}
	return s.client, nil
}

// Configure implements Fetcher.
func (s *Supervisor) Configure(places []pipe.Place) { s.change(func() { s.places = places }) }

// Watch implements Fetcher.
func (s *Supervisor) Watch(on bool) { s.change(func() { s.watch = on }) }

func (s *Supervisor) change(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	close(s.told)
	s.told = make(chan struct{})
}

// Hints implements Fetcher.
func (s *Supervisor) Hints() <-chan struct{} { return s.hints }

// Head implements Chain.
func (s *Supervisor) Head(ctx context.Context, endpoint int, q registry.HeadQuery) (registry.HeadReply, error) {
	c, err := s.current()
	if err != nil {
		return registry.HeadReply{}, err
	}
	return c.Head(ctx, endpoint, q)
}

// Logs implements Chain.
func (s *Supervisor) Logs(ctx context.Context, endpoint int, q registry.LogQuery) ([]byte, error) {
	c, err := s.current()
	if err != nil {
		return nil, err
	}
	return c.Logs(ctx, endpoint, q)
}

// Headers implements Chain.
func (s *Supervisor) Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error) {
	c, err := s.current()
	if err != nil {
		return nil, err
	}
	return c.Headers(ctx, endpoint, numbers)
}

// Segment implements Fetcher.
func (s *Supervisor) Segment(ctx context.Context, archive int, scope state.Word, index uint64) ([]byte, error) {
	c, err := s.current()
	if err != nil {
		return nil, err
	}
	return c.Segment(ctx, archive, scope, index)
}

// Receipt implements Fetcher.
func (s *Supervisor) Receipt(ctx context.Context, key state.Word, receipt []byte) error {
	c, err := s.current()
	if err != nil {
		return err
	}
	return c.Receipt(ctx, key, receipt)
}

// Checkpoint implements Fetcher.
func (s *Supervisor) Checkpoint(ctx context.Context, place int, key witness.Key) ([]byte, error) {
	c, err := s.current()
	if err != nil {
		return nil, err
	}
	return c.Checkpoint(ctx, place, key)
}

// Get implements bundle.Getter.
func (s *Supervisor) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	c, err := s.current()
	if err != nil {
		return nil, err
	}
	return c.Get(ctx, id, max)
}
