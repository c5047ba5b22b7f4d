package devchain

import (
	"context"
	"time"
)

// TB is the part of testing.TB that New uses; naming it here keeps package
// testing out of dpki-sandbox.
type TB interface {
	Helper()
	Fatal(args ...any)
	Cleanup(func())
}

// New starts a chain for a test and closes it with the test.
func New(t TB, o Options) *Chain {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
