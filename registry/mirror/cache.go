package mirror

import (
	"container/list"
	"sync"
	"time"
)

// answer is what is sent for a question.
type answer struct {
	status int
	body   []byte
	kind   string        // Content-Type
	keep   time.Duration // how long others may keep it
	until  time.Time     // when it is asked for anew
}

// cache holds answers up to a number of bytes; the least recently used go first.
// The zero value holds nothing.
type cache struct {
	max int64

	mu     sync.Mutex
	held   int64
	byPath map[string]*list.Element // of *cached
	order  list.List                // the most recently used in front
}

type cached struct {
	path   string
	answer *answer
}

// overhead is what an answer costs beside its body, in bytes: path, list, map.
const overhead = 512

func (c *cached) size() int64 { return int64(len(c.answer.body)+len(c.path)) + overhead }

func (c *cache) get(path string, now time.Time) *answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byPath[path]
	if !ok {
		return nil
	}
	held := e.Value.(*cached)
	if !now.Before(held.answer.until) {
		c.drop(e)
		return nil
	}
	c.order.MoveToFront(e)
	return held.answer
}

func (c *cache) put(path string, a *answer) {
	held := &cached{path, a}
	if held.size() > c.max {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPath == nil {
		c.byPath = map[string]*list.Element{}
	}
	if e, ok := c.byPath[path]; ok {
		c.drop(e)
	}
	c.byPath[path] = c.order.PushFront(held)
	for c.held += held.size(); c.held > c.max; {
		c.drop(c.order.Back())
	}
}

// drop is called with mu held.
func (c *cache) drop(e *list.Element) {
	held := c.order.Remove(e).(*cached)
	delete(c.byPath, held.path)
	c.held -= held.size()
}

// flights joins those who ask the same at the same time.
type flights struct {
	mu      sync.Mutex
	pending map[string]*flight
}

type flight struct {
	done   chan struct{}
	answer *answer
}

// do gives one answer to all who ask for a path while ask is under way. The
// answer outlives whoever asked first.
func (f *flights) do(path string, ask func() *answer) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one, ok := f.pending[path]; ok {
		return one
	}
	if f.pending == nil {
		f.pending = map[string]*flight{}
	}
	one := &flight{done: make(chan struct{})}
	f.pending[path] = one
	go func() {
		one.answer = ask()
		f.mu.Lock()
		delete(f.pending, path)
		f.mu.Unlock()
		close(one.done)
	}()
	return one
}
