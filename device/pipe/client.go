package pipe

import (
	"context"
	"io"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/segment"
	"dpki/registry/witness"
	"dpki/state"
)

// DefaultTimeout is how long a question waits whose context has no end.
const DefaultTimeout = 30 * time.Second

// Client is run's end. It is safe for concurrent use.
type Client struct {
	conn  io.ReadWriteCloser
	hints chan struct{}
	done  chan struct{}

	write sync.Mutex // one frame at a time

	mu      sync.Mutex
	next    uint32
	pending map[uint32]*question
	err     error // why the connection ended
}

// question is one that was asked and not yet answered. Its place is kept when
// nobody waits for it any more, because its answer still comes.
type question struct {
	limit  int
	answer chan frame // capacity 1
}

// NewClient starts to read from conn, which it owns.
func NewClient(conn io.ReadWriteCloser) *Client {
	c := &Client{conn: conn, hints: make(chan struct{}, 1), done: make(chan struct{}), pending: map[uint32]*question{}}
	go c.read()
	return c
}

// Hints yields when the network may have something new. Hints that nobody took
// are joined.
func (c *Client) Hints() <-chan struct{} { return c.hints }

// Done is closed when the connection has ended; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection ended, nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection; questions in flight fail.
func (c *Client) Close() { c.fail(io.ErrClosedPipe) }

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	c.conn.Close()
	close(c.done)
}

func (c *Client) read() {
	for {
		f, err := readFrame(c.conn, c.limit)
		if err != nil {
			c.fail(err)
			return
		}
		if f.kind == kindHint {
			select {
			case c.hints <- struct{}{}:
			default:
			}
			continue
		}
		c.mu.Lock()
		q := c.pending[f.id]
		delete(c.pending, f.id)
		c.mu.Unlock()
		q.answer <- f
	}
}

// limit is asked by readFrame before it allocates. Only read removes questions,
// so the one that was found here is still there afterwards.
func (c *Client) limit(k kind, id uint32) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, ok := c.pending[id]
	switch {
	case k == kindHint && id == 0:
		return 0, nil
	case k == kindFailure && ok:
		return maxFailure, nil
	case k == kindResults && ok:
		return q.limit, nil
	}
	return 0, protocol("type %d for question %d", k, id)
}

// ask sends a question and waits for its results. A failure, of the network or
// of fetch itself, is a *registry.Failure.
func (c *Client) ask(ctx context.Context, k kind, limit int, fields [][]byte) ([][]byte, error) {
	q := &question{limit: limit, answer: make(chan frame, 1)}
	c.mu.Lock()
	if c.err != nil || len(c.pending) >= MaxPending {
		c.mu.Unlock()
		return nil, unavailable("fetch is not running, or busy")
	}
	c.next++
	id := c.next
	c.pending[id] = q
	c.mu.Unlock()

	if err := c.send(frame{kind: k, id: id, fields: fields}); err != nil {
		return nil, unavailable("fetch does not read")
	}
	select {
	case f := <-q.answer:
		if f.kind == kindResults {
			return f.fields, nil
		}
		failure, err := parseFailure(f.fields)
		if err != nil {
			c.fail(err)
			return nil, unavailable("fetch answers nonsense")
		}
		return nil, failure
	case <-ctx.Done():
		return nil, unavailable("no answer in time")
	case <-c.done:
		return nil, unavailable("fetch ended")
	}
}

// askOne is ask where the results are one.
func (c *Client) askOne(ctx context.Context, k kind, limit int, fields [][]byte) ([]byte, error) {
	results, err := c.ask(ctx, k, limit, fields)
	if err != nil {
		return nil, err
	}
	result, err := oneResult(results)
	if err != nil {
		return nil, c.garbled(err)
	}
	return result, nil
}

func (c *Client) send(f frame) error {
	b, err := f.marshal()
	if err != nil {
		return err
	}
	c.write.Lock()
	defer c.write.Unlock()
	if _, err := c.conn.Write(b); err != nil {
		c.fail(err)
		return err
	}
	return nil
}

// garbled ends a connection whose results do not fit their question.
func (c *Client) garbled(err error) error {
	c.fail(err)
	return unavailable(err.Error())
}

// Configure tells fetch whom to ask. Endpoints are numbered from 0 in their
// order among the places.
func (c *Client) Configure(ctx context.Context, places []Place) error {
	_, err := c.ask(ctx, kindConfigure, allowance, configureFields(places))
	return err
}

// Watch asks for hints, or for none.
func (c *Client) Watch(ctx context.Context, on bool) error {
	_, err := c.ask(ctx, kindWatch, allowance, [][]byte{flag(on)})
	return err
}

// Head asks one endpoint for the tip.
func (c *Client) Head(ctx context.Context, endpoint int, query registry.HeadQuery) (registry.HeadReply, error) {
	q := headQuestion{endpoint, timeout(ctx), query}
	fields, err := c.ask(ctx, kindHead, resultLimit(kindHead, 0, 0), q.fields())
	if err != nil {
		return registry.HeadReply{}, err
	}
	reply, err := headReply(fields)
	if err != nil {
		return registry.HeadReply{}, c.garbled(err)
	}
	return reply, nil
}

// Logs asks one endpoint for entries.
func (c *Client) Logs(ctx context.Context, endpoint int, query registry.LogQuery) ([]byte, error) {
	if query.Max <= 0 || query.Max > registry.MaxLogs {
		query.Max = registry.MaxLogs
	}
	q := logsQuestion{endpoint, timeout(ctx), query}
	return c.askOne(ctx, kindLogs, resultLimit(kindLogs, 0, query.Max), q.fields())
}

// Headers asks one endpoint for headers by their numbers.
func (c *Client) Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error) {
	q := headersQuestion{endpoint, timeout(ctx), numbers}
	fields, err := c.ask(ctx, kindHeaders, resultLimit(kindHeaders, len(numbers), 0), q.fields())
	if err != nil {
		return nil, err
	}
	headers, err := headersReply(fields, len(numbers))
	if err != nil {
		return nil, c.garbled(err)
	}
	return headers, nil
}

// Get implements bundle.Getter over all stores.
func (c *Client) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	q := blockQuestion{timeout(ctx), id, min(max, bundle.MaxBlock)}
	b, err := c.askOne(ctx, kindBlock, resultLimit(kindBlock, 0, q.max), q.fields())
	return b, blockError(err)
}

// Segment reads a log segment from one archive.
func (c *Client) Segment(ctx context.Context, archive int, scope state.Word, index uint64) ([]byte, error) {
	q := segmentQuestion{archive, timeout(ctx), scope, index}
	return c.askOne(ctx, kindSegment, resultLimit(kindSegment, 0, segment.MaxSize), q.fields())
}

// Receipt hands a receipt to all mirrors; it fails if none took it.
func (c *Client) Receipt(ctx context.Context, key state.Word, receipt []byte) error {
	q := receiptQuestion{timeout(ctx), key, receipt}
	_, err := c.ask(ctx, kindReceipt, allowance, q.fields())
	return err
}

// Checkpoint reads a witness's newest checkpoint from one place.
func (c *Client) Checkpoint(ctx context.Context, place int, key witness.Key) ([]byte, error) {
	q := checkpointQuestion{place, timeout(ctx), key}
	return c.askOne(ctx, kindCheckpoint, resultLimit(kindCheckpoint, 0, witness.MaxCheckpoint), q.fields())
}

func timeout(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return DefaultTimeout
	}
	return time.Until(deadline)
}

func unavailable(detail string) error {
	return &registry.Failure{Fault: registry.Unavailable, Detail: detail}
}
