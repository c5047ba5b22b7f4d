package hostile

import "sync"

// Tape holds answers of a moment. What it plays back is true, every proof in it
// holds, and it is not what is asked for now.
type Tape struct {
	mu      sync.Mutex
	answers map[string]Call
}

// Record passes the truth and keeps it.
func (t *Tape) Record() Lie {
	return Answers(func(c *Call) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.answers == nil {
			t.answers = map[string]Call{}
		}
		t.answers[c.Key()] = *c
	})
}

// Play answers from the tape. What is not on it has not happened: no logs, no
// such block.
func (t *Tape) Play() Lie {
	return Answers(func(c *Call) {
		t.mu.Lock()
		defer t.mu.Unlock()
		old, ok := t.answers[c.Key()]
		switch {
		case ok:
			c.Result, c.Error = old.Result, old.Error
		case c.Method == "eth_getLogs":
			c.Result, c.Error = []byte("[]"), nil
		default:
			c.Result, c.Error = []byte("null"), nil
		}
	})
}

// Length is how many answers are on it.
func (t *Tape) Length() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.answers)
}
