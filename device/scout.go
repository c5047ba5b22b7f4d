package device

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry/witness"
)

// scout is an engine that reads a successor's log.
type scout struct {
	engine *Engine
	stop   func()
}

func (s *Succession) open(ctx context.Context, to anchor.Anchor, n network.File, pinned witness.Set) (*scout, error) {
	j, err := s.journal(to, pinned)
	if err != nil {
		return nil, err
	}
	log := s.c.Log.With("successor", to.Org.String()[:12])
	sup, c := NewSupervisor(s.c.Start, log), s.c.Engine.c
	// It has no say in what the device does: neither deliveries, nor the list of
	// denied keys, nor receipts.
	engine, err := New(Config{
		Anchor: to, Identity: c.Identity, Journal: j, Network: n, Fetcher: sup, Clock: c.Clock, Profile: c.Profile, Log: log,
		CodeHash: c.CodeHash, Random: c.Random, Silent: true,
	})
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { sup.Run(ctx) })
	all.Go(func() { engine.Run(ctx) })
	return &scout{engine, func() {
		cancel()
		all.Wait()
		if err := j.Close(); err != nil {
			log.Error("the successor's journal", "error", err)
		}
	}}, nil
}

// journal opens the successor's, or begins it. The witnesses that are pinned here
// count there, also where a crash kept that from being written when it was begun, or
// they have changed since.
func (s *Succession) journal(to anchor.Anchor, pinned witness.Set) (*journal.Journal, error) {
	j, err := journal.OpenBeside(s.c.Journal, to)
	if errors.Is(err, journal.ErrAnchor) || errors.Is(err, journal.ErrCorrupt) {
		// Of where the organisation pointed before, or no use: nothing was believed
		// by it yet.
		if err = journal.Remove(s.c.Journal); err == nil {
			err = journal.ErrMissing
		}
	}
	if errors.Is(err, journal.ErrMissing) {
		if err = journal.Create(s.c.Journal, to); err == nil {
			j, err = journal.OpenBeside(s.c.Journal, to)
		}
	}
	if err != nil {
		return nil, err
	}
	known, err := loadPinned(j)
	if err == nil && known.Version < pinned.Version {
		err = j.SetRecord(journal.RecordWitnesses, pinned.Marshal())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("pinning witnesses: %w", err), j.Close())
	}
	return j, nil
}

// dismiss ends the scout, and keeps what it has read.
func (s *Succession) dismiss() {
	if s.scout != nil {
		s.scout.stop()
		s.scout = nil
	}
}
