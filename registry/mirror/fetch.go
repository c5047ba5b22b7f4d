package mirror

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/route"
	"dpki/state"
)

// fetch asks the upstreams that can know.
func (s *Server) fetch(ctx context.Context, q route.Question) (*answer, error) {
	switch q := q.(type) {
	case route.Head:
		return s.head(ctx, q)
	case route.Logs:
		return s.logs(ctx, q)
	case route.Headers:
		return s.headers(ctx, q)
	case route.Segment:
		return s.segment(ctx, q)
	case route.Witness:
		return s.witness(ctx, q)
	case route.Receipt:
		b, err := s.receipts.read(q.Key)
		if err == nil && b == nil {
			err = errAbsent
		}
		return &answer{body: b, kind: "application/json", keep: s.c.tip}, err
	case route.Block:
		b, err := s.blocks.Get(ctx, q.ID, bundle.MaxBlock)
		return &answer{body: b, kind: "application/vnd.ipld.raw", keep: forEver}, absentBlock(err)
	}
	return nil, errAbsent
}

// first asks one upstream after the other.
func (s *Server) first(ctx context.Context, ask func(Source) error) error {
	err := error(&registry.Failure{Fault: registry.Unavailable, Detail: "no endpoint is configured"})
	for i, upstream := range s.c.Chain {
		if err = ask(upstream); err == nil || ctx.Err() != nil {
			return err
		}
		switch registry.FaultOf(err) {
		case registry.TooWide, registry.TooLarge:
			return err // the next one would hardly take more, and its reader halves the range
		case registry.BackOff:
		default:
			s.c.Log.Warn("an upstream does not answer", "upstream", i+1, "error", err)
		}
	}
	return err
}

func (s *Server) head(ctx context.Context, q route.Head) (*answer, error) {
	if q.Contract != s.c.Registry.Contract {
		return nil, errAbsent
	}
	r, err := s.rounds.head(ctx, q.Slots)
	if err != nil {
		return nil, err
	}
	s.noteFinal(r.Finalized)
	b, err := route.MarshalHead(r)
	return &answer{body: b, kind: "application/json", keep: s.c.tip}, err
}

// askHead asks for the words of a round.
func (s *Server) askHead(ctx context.Context, slots []state.Word) (r registry.HeadReply, err error) {
	if !s.turn(ctx) {
		return r, ctx.Err()
	}
	defer s.done()
	q := registry.HeadQuery{Contract: s.c.Registry.Contract, Slots: slots}
	err = s.first(ctx, func(up Source) (err error) { r, err = up.Head(ctx, q); return err })
	return r, err
}

// noteFinal remembers up to where answers may be kept. It is a hint: an upstream
// that names a number too high has its own answers kept for longer.
func (s *Server) noteFinal(header []byte) {
	var h struct {
		Number string `json:"number"`
	}
	if json.Unmarshal(header, &h) != nil || len(h.Number) < 3 {
		return
	}
	n, err := strconv.ParseUint(h.Number[2:], 16, 64)
	if err != nil {
		return
	}
	for old := s.finalized.Load(); n > old && !s.finalized.CompareAndSwap(old, n); old = s.finalized.Load() {
	}
}

func (s *Server) life(last uint64) time.Duration {
	if last <= s.finalized.Load() {
		return finalLife
	}
	return s.c.tip
}

func (s *Server) logs(ctx context.Context, q route.Logs) (*answer, error) {
	if q.Contract != s.c.Registry.Contract {
		return nil, errAbsent
	}
	var b []byte
	err := s.first(ctx, func(up Source) (err error) { b, err = up.Logs(ctx, q.LogQuery); return err })
	return &answer{body: b, kind: "application/json", keep: s.life(q.To)}, err
}

func (s *Server) headers(ctx context.Context, q route.Headers) (*answer, error) {
	var list [][]byte
	if err := s.first(ctx, func(up Source) (err error) { list, err = up.Headers(ctx, q.Numbers); return err }); err != nil {
		return nil, err
	}
	last := uint64(0)
	for _, n := range q.Numbers {
		last = max(last, n)
	}
	b, err := route.MarshalHeaders(list)
	return &answer{body: b, kind: "application/json", keep: s.life(last)}, err
}
