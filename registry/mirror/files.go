package mirror

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"dpki/bundle/store"
	"dpki/registry/route"
	"dpki/registry/segment"
	"dpki/registry/source"
	"dpki/registry/witness"
)

// partLife is how long a segment is kept that entries may still be added to.
const partLife = time.Minute

// binary is the type of what a mirror does not look into.
const binary = "application/octet-stream"

// segment is from the folder, or from another mirror.
func (s *Server) segment(ctx context.Context, q route.Segment) (*answer, error) {
	a := &answer{kind: binary, keep: partLife}
	take := func(b []byte, err error) bool {
		if err != nil {
			return false
		}
		// One that does not parse is no use to anybody, and a full one has its end.
		part, err := segment.Parse(b)
		if err != nil || part.Scope != q.Scope || part.Index != q.Index {
			return false
		}
		if a.body = b; part.Full() {
			a.keep = forEver
		}
		return true
	}
	if s.c.Dir != "" && take(source.Folder{Path: s.c.Dir}.Segment(ctx, q.Scope, q.Index)) {
		return a, nil
	}
	for _, m := range s.c.Mirrors {
		if take(m.Segment(ctx, q.Scope, q.Index)) {
			return a, nil
		}
	}
	return nil, errAbsent
}

// witness is a file from the folder, or from another mirror, whatever it says.
func (s *Server) witness(ctx context.Context, q route.Witness) (*answer, error) {
	if s.c.Dir != "" {
		if b, err := source.ReadFile(filepath.Join(s.c.Dir, "witness", q.Name), route.MaxFile); err == nil {
			return &answer{body: b, kind: binary, keep: s.c.tip}, nil
		}
	}
	if key, err := witness.ParseKey(q.Name); err == nil {
		for _, place := range s.c.Witnesses[key] {
			if b, err := place.Checkpoint(ctx, key); err == nil {
				return &answer{body: b, kind: binary, keep: s.c.tip}, nil
			}
		}
	}
	for _, m := range s.c.Mirrors {
		if b, err := m.Witness(ctx, q.Name); err == nil {
			return &answer{body: b, kind: binary, keep: s.c.tip}, nil
		}
	}
	return nil, errAbsent
}

func absentBlock(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errAbsent
	}
	return err
}
