package device_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness/follower"
	"dpki/state"
)

// slow is an Applier that something keeps from ending at once.
type slow struct {
	begun chan struct{}
	ended atomic.Bool
}

func (s *slow) Renew(ctx context.Context, _ uint64, _ func(state.Word, state.Kind) bool) error {
	select {
	case s.begun <- struct{}{}:
	default:
	}
	<-ctx.Done()
	time.Sleep(300 * time.Millisecond)
	s.ended.Store(true)
	return ctx.Err()
}

func (s *slow) Due() uint64 { return 1 }

func (*slow) Apply(context.Context, device.Material) (device.Delivered, error) {
	return device.Delivered{}, nil
}
func (*slow) Withdraw(context.Context, state.Word, uint64) (device.Delivered, error) {
	return device.Delivered{}, nil
}
func (*slow) Settle(device.Delivered) error { return nil }
func (*slow) Settled(state.Word) bool       { return false }
func (*slow) All() []device.Delivered       { return nil }

// An engine that has ended installs nothing any more: who goes on for the same
// machine, as after a move, begins by taking back what was left half done.
func TestNoWorkOutlivesTheEngine(t *testing.T) {
	t.Parallel()
	a := &slow{begun: make(chan struct{}, 1)}
	r := follower.Enrolled(t, follower.Instant, func(c *device.Config) { c.Applier = a })
	select {
	case <-a.begun:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was to be renewed")
	}
	if a.ended.Load() {
		t.Fatal("ended before the engine did")
	}
	r.Stop()
	if !a.ended.Load() {
		t.Error("the engine has ended, and its worker has not")
	}
}
