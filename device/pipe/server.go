package pipe

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/segment"
	"dpki/registry/witness"
	"dpki/state"
)

// Backend is what fetch does with the network. Its methods are called
// concurrently. Failures are *registry.Failure; other errors become one.
type Backend interface {
	// Configure replaces the places.
	Configure(places []Place) error
	// Watch starts or stops calls of wake, which does not block.
	Watch(on bool, wake func())
	Head(ctx context.Context, endpoint int, q registry.HeadQuery) (registry.HeadReply, error)
	Logs(ctx context.Context, endpoint int, q registry.LogQuery) ([]byte, error)
	Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error)
	Block(ctx context.Context, id bundle.CID, max int) ([]byte, error)
	// Segment reads a log segment from an archive.
	Segment(ctx context.Context, archive int, scope state.Word, index uint64) ([]byte, error)
	// Receipt hands a receipt to all mirrors; it fails if none took it.
	Receipt(ctx context.Context, key state.Word, receipt []byte) error
	// Checkpoint reads a witness's newest checkpoint from a place.
	Checkpoint(ctx context.Context, place int, key witness.Key) ([]byte, error)
}

// workers is how many questions are worked on at once.
const workers = 8

// Serve answers questions until conn or ctx ends. The end of conn is no error.
func Serve(ctx context.Context, conn io.ReadWriteCloser, backend Backend) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &server{conn: conn, backend: backend}
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	slots := make(chan struct{}, workers)
	for {
		f, err := readFrame(conn, questionLimit)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		work, err := s.work(f)
		if err != nil {
			return err
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			s.reply(f.id, work, ctx)
		})
	}
}

func questionLimit(k kind, id uint32) (int, error) {
	if k < kindConfigure || k > kindCheckpoint || id == 0 {
		return 0, protocol("type %d for question %d", k, id)
	}
	return MaxQuestion, nil
}

type server struct {
	conn    io.ReadWriteCloser
	backend Backend
	write   sync.Mutex
}

// work parses a question; what it returns does the work.
func (s *server) work(f frame) (func(context.Context) ([][]byte, error), error) {
	switch f.kind {
	case kindConfigure:
		places, err := parseConfigure(f.fields)
		return func(context.Context) ([][]byte, error) { return nil, s.backend.Configure(places) }, err
	case kindWatch:
		if len(f.fields) != 1 || len(f.fields[0]) != 1 || f.fields[0][0] > 1 {
			return nil, protocol("malformed question")
		}
		on := f.fields[0][0] == 1
		return func(context.Context) ([][]byte, error) { s.backend.Watch(on, s.hint); return nil, nil }, nil
	case kindHead:
		q, err := parseHead(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			r, err := s.backend.Head(ctx, q.endpoint, q.query)
			return [][]byte{r.ChainID, r.Latest, r.Safe, r.Finalized, r.Proof}, err
		}), err
	case kindLogs:
		q, err := parseLogs(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			b, err := s.backend.Logs(ctx, q.endpoint, q.query)
			return bounded(b, q.query.Max, err)
		}), err
	case kindHeaders:
		q, err := parseHeaders(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			return s.backend.Headers(ctx, q.endpoint, q.numbers)
		}), err
	case kindSegment:
		q, err := parseSegment(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			b, err := s.backend.Segment(ctx, q.archive, q.scope, q.index)
			return bounded(b, segment.MaxSize, err)
		}), err
	case kindCheckpoint:
		q, err := parseCheckpoint(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			b, err := s.backend.Checkpoint(ctx, q.place, q.key)
			return bounded(b, witness.MaxCheckpoint, err)
		}), err
	case kindReceipt:
		q, err := parseReceipt(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			return nil, s.backend.Receipt(ctx, q.key, q.receipt)
		}), err
	default:
		q, err := parseBlock(f.fields)
		return within(q.timeout, func(ctx context.Context) ([][]byte, error) {
			b, err := s.backend.Block(ctx, q.id, q.max)
			return bounded(b, q.max, err)
		}), err
	}
}

func (s *server) reply(id uint32, work func(context.Context) ([][]byte, error), ctx context.Context) {
	fields, err := work(ctx)
	f := frame{kind: kindResults, id: id, fields: fields}
	if err != nil {
		var failure *registry.Failure
		if !errors.As(err, &failure) {
			failure = &registry.Failure{Fault: registry.Unavailable, Detail: err.Error()}
			if errors.Is(err, bundle.ErrTooLarge) {
				failure.Fault = registry.TooLarge
			}
		}
		f = frame{kind: kindFailure, id: id, fields: failureFields(failure)}
	}
	s.send(f)
}

func (s *server) hint() { s.send(frame{kind: kindHint}) }

func (s *server) send(f frame) {
	b, err := f.marshal()
	if err != nil {
		s.conn.Close() // nobody can be told: the other side starts anew
		return
	}
	s.write.Lock()
	defer s.write.Unlock()
	if _, err := s.conn.Write(b); err != nil {
		s.conn.Close()
	}
}

func within(d time.Duration, do func(context.Context) ([][]byte, error)) func(context.Context) ([][]byte, error) {
	return func(ctx context.Context) ([][]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		return do(ctx)
	}
}

func bounded(b []byte, max int, err error) ([][]byte, error) {
	if err == nil && len(b) > max {
		err = &registry.Failure{Fault: registry.TooLarge}
	}
	return [][]byte{b}, err
}
