package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"dpki/bundle"
	"dpki/registry"
	"dpki/registry/route"
	"dpki/registry/segment"
	"dpki/registry/witness"
	"dpki/state"
)

// Mirror asks a mirror (package route): an endpoint whose answers are cacheable
// GETs, and who may have log segments, witnesses' files and receipts too. It is
// believed no more than an endpoint is. No redirect is followed. It is safe for
// concurrent use.
type Mirror struct {
	base    *url.URL
	http    *http.Client
	timeout time.Duration
	backoff backoff
}

// DialMirror prepares a client for an http or https URL; it does not connect.
func DialMirror(base string) (*Mirror, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("mirror: %w", ErrURL)
	}
	return &Mirror{base: u, timeout: Timeout, http: &http.Client{
		Transport:     newTransport(overHTTP...),
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirect refused") },
	}}, nil
}

// Close drops idle connections.
func (m *Mirror) Close() { m.http.CloseIdleConnections() }

// Hints returns at once: a mirror announces nothing.
func (m *Mirror) Hints(context.Context, func()) {}

// Head implements verify.Source.
func (m *Mirror) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	// Its answers are of the tip, with a proof: whoever wants less is given all.
	if len(q.Slots) == 0 || len(q.Slots) > registry.MaxSlots || q.At != 0 {
		return registry.HeadReply{}, &registry.Failure{Fault: registry.Refused, Detail: fmt.Sprintf("%d slots", len(q.Slots))}
	}
	b, err := m.get(ctx, route.Head{HeadQuery: q}, route.MaxHead)
	if err != nil {
		return registry.HeadReply{}, err
	}
	r, err := route.ParseHead(b)
	if err != nil {
		return registry.HeadReply{}, unavailable("%v", err)
	}
	return r, nil
}

// Logs implements verify.Source.
func (m *Mirror) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	if len(q.Scopes) == 0 || len(q.Scopes) > registry.MaxSlots || q.From > q.To {
		return nil, &registry.Failure{Fault: registry.Refused, Detail: "malformed question"}
	}
	limit := q.Max
	if limit <= 0 || limit > registry.MaxLogs {
		limit = registry.MaxLogs
	}
	return m.get(ctx, route.Logs{LogQuery: q}, limit)
}

// Headers implements verify.Source.
func (m *Mirror) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	if len(numbers) == 0 || len(numbers) > registry.MaxHeaders {
		return nil, &registry.Failure{Fault: registry.Refused, Detail: fmt.Sprintf("%d headers", len(numbers))}
	}
	b, err := m.get(ctx, route.Headers{Numbers: numbers}, len(numbers)*(registry.MaxHeader+1)+2)
	if err != nil {
		return nil, err
	}
	headers, err := route.ParseHeaders(b, len(numbers))
	if err != nil {
		return nil, unavailable("%v", err)
	}
	return headers, nil
}

// Segment fetches a log segment, at most segment.MaxSize bytes.
func (m *Mirror) Segment(ctx context.Context, scope state.Word, index uint64) ([]byte, error) {
	return m.get(ctx, route.Segment{Scope: scope, Index: index}, segment.MaxSize)
}

// Checkpoint implements verify.CheckpointSource.
func (m *Mirror) Checkpoint(ctx context.Context, key witness.Key) ([]byte, error) {
	b, err := m.Witness(ctx, key.String())
	if err == nil && len(b) > witness.MaxCheckpoint {
		return nil, &registry.Failure{Fault: registry.TooLarge}
	}
	return b, err
}

// Witness fetches one of the witnesses' files, at most route.MaxFile bytes.
func (m *Mirror) Witness(ctx context.Context, name string) ([]byte, error) {
	return m.get(ctx, route.Witness{Name: name}, route.MaxFile)
}

// Receipt fetches the receipt that a key has signed, if the mirror has one.
func (m *Mirror) Receipt(ctx context.Context, key state.Word) ([]byte, error) {
	return m.get(ctx, route.Receipt{Key: key}, bundle.MaxReceipt)
}

// PutReceipt hands in a receipt under the key that signed it.
func (m *Mirror) PutReceipt(ctx context.Context, key state.Word, receipt []byte) error {
	_, err := m.ask(ctx, http.MethodPut, route.Receipt{Key: key}, receipt, 0)
	return err
}

func (m *Mirror) get(ctx context.Context, q route.Question, max int) ([]byte, error) {
	return m.ask(ctx, http.MethodGet, q, nil, max)
}

// ask leaves a mirror alone that failed a moment ago; one that says no has not
// failed.
func (m *Mirror) ask(ctx context.Context, method string, q route.Question, body []byte, max int) ([]byte, error) {
	if wait := m.backoff.wait(); wait > 0 {
		return nil, &registry.Failure{Fault: registry.BackOff, RetryAfter: wait}
	}
	b, status, err := m.exchange(ctx, method, q.Path(), body, max)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return nil, err // the caller lost interest: that says nothing about the mirror
	}
	var f *registry.Failure
	if errors.As(err, &f) && f.Fault == registry.Unavailable && status != http.StatusNotFound {
		m.backoff.failed(f.RetryAfter)
		return nil, err
	}
	m.backoff.succeeded()
	return b, err
}

// exchange is one request. The status is 0 where there was no answer.
func (m *Mirror) exchange(ctx context.Context, method, path string, body []byte, max int) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, m.base.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return nil, 0, unavailable("%v", err)
	}
	res, err := m.http.Do(req)
	if err != nil {
		return nil, 0, unavailable("%v", withoutURL(err))
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		f := &registry.Failure{Fault: route.Fault(res.StatusCode), Detail: fmt.Sprintf("HTTP %d", res.StatusCode), RetryAfter: retryAfter(res.Header.Get("Retry-After"))}
		return nil, res.StatusCode, f
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, int64(max)+1))
	switch {
	case len(b) > max && max > 0:
		return nil, res.StatusCode, &registry.Failure{Fault: registry.TooLarge}
	case err != nil:
		return nil, 0, unavailable("%v", withoutURL(err))
	}
	return b, res.StatusCode, nil
}
