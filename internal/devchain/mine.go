package devchain

import (
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/event"
)

// mine makes blocks: every BlockTime, or as soon as a transaction waits. The
// subscription is the caller's, made before anyone could send: an announcement
// that came before it would be lost, and its transaction wait for ever.
func (c *Chain) mine(events <-chan core.NewTxsEvent, sub event.Subscription) {
	defer c.done.Done()
	defer sub.Unsubscribe()
	var tick <-chan time.Time
	if c.options.BlockTime > 0 {
		t := time.NewTicker(c.options.BlockTime)
		defer t.Stop()
		tick = t.C
	}
	// A transaction that became minable without an event, after a block that
	// could not be made or a nonce that was filled.
	again := time.NewTicker(250 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-tick:
			if c.held.Load() {
				continue
			}
			c.mining.Lock()
			c.commit()
			c.mining.Unlock()
		case <-events:
			if tick == nil {
				c.mineWaiting()
			}
		case <-again.C:
			if tick == nil {
				c.mineWaiting()
				c.beat()
			}
		}
	}
}

// mineWaiting mines until no executable transaction is left, or the miner will
// not take it (its fee is below the base fee).
func (c *Chain) mineWaiting() {
	for range 3 {
		if n, _ := c.eth.TxPool().Stats(); n == 0 || c.held.Load() {
			return
		}
		if !c.waitForClock() {
			return
		}
		c.mining.Lock()
		c.eth.TxPool().Sync()
		n, _ := c.eth.TxPool().Stats()
		if n > 0 {
			c.commit()
			c.eth.TxPool().Sync()
			n, _ = c.eth.TxPool().Stats()
		}
		c.mining.Unlock()
		if n == 0 {
			return
		}
	}
}

// beat makes an empty block if none was made for a Heartbeat.
func (c *Chain) beat() {
	age := time.Since(time.Unix(int64(c.Time()), 0))
	if c.options.Heartbeat <= 0 || age < c.options.Heartbeat || c.held.Load() {
		return
	}
	c.mining.Lock()
	defer c.mining.Unlock()
	c.commit()
}

// waitForClock waits until the next block, a second after its parent, is no
// more than MaxDrift ahead of the clock.
func (c *Chain) waitForClock() bool {
	if c.options.MaxDrift < 0 {
		return true
	}
	next := time.Unix(int64(c.eth.BlockChain().CurrentBlock().Time)+1, 0)
	wait := time.Until(next.Add(-c.options.MaxDrift))
	// A chain whose time was moved on purpose is ahead for good: mine anyway.
	if wait <= 0 || wait > time.Minute {
		return true
	}
	select {
	case <-time.After(wait):
		return true
	case <-c.stop:
		return false
	}
}

// commit makes one block and puts it on disk. The caller holds c.mining.
func (c *Chain) commit() {
	c.beacon.Commit()
	c.sync()
}

// sync flushes the database's write-ahead log, which geth leaves to the
// operating system's and its own leisure.
func (c *Chain) sync() { c.eth.ChainDb().SyncKeyValue() }

// Number is the head's number.
func (c *Chain) Number() uint64 { return c.eth.BlockChain().CurrentBlock().Number.Uint64() }

// Time is the head's timestamp, Unix seconds.
func (c *Chain) Time() uint64 { return c.eth.BlockChain().CurrentBlock().Time }

// Mine makes n blocks, empty where nothing waits.
func (c *Chain) Mine(n int) {
	c.mining.Lock()
	defer c.mining.Unlock()
	for range n {
		c.commit()
	}
}

// Hold stops the making of blocks, all but those that Mine and its like are asked
// for, until it is taken back: what is sent waits in the pool.
func (c *Chain) Hold(on bool) { c.held.Store(on) }

// AdjustTime makes one block that is d later than the head.
func (c *Chain) AdjustTime(d time.Duration) error {
	c.mining.Lock()
	defer c.mining.Unlock()
	defer c.sync()
	return c.beacon.AdjustTime(d)
}

// HoldBack keeps safe and finalized n blocks behind the head from now on.
func (c *Chain) HoldBack(n uint64) { c.holdBack.Store(n) }

// Reorg replaces the last depth blocks by depth + 1 others. With keep their
// transactions are mined again, in the first of them; without, they never
// happened.
func (c *Chain) Reorg(depth int, keep bool) error {
	c.mining.Lock()
	defer c.mining.Unlock()
	head := c.eth.BlockChain().CurrentBlock().Number.Uint64()
	if depth < 1 || uint64(depth) >= head-c.DeployBlock {
		return fmt.Errorf("reorganisation of %d blocks at block %d", depth, head)
	}
	if err := c.eth.TxPool().Sync(); err != nil {
		return err
	}
	parent := c.eth.BlockChain().GetHeaderByNumber(head - uint64(depth))
	if parent == nil {
		return errors.New("no such block")
	}
	if err := c.beacon.Fork(parent.Hash()); err != nil {
		return err
	}
	if err := c.eth.TxPool().Sync(); err != nil {
		return err
	}
	if !keep {
		c.beacon.Rollback()
	}
	for range depth + 1 {
		c.commit()
	}
	if got := c.Number(); got != head+1 {
		return fmt.Errorf("reorganisation ended at block %d, not %d", got, head+1)
	}
	return nil
}
