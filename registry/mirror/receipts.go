package mirror

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/internal/file"
	"dpki/state"
)

const (
	// maxReceipts bounds how many receipts are kept.
	maxReceipts = 1 << 16
	// receiptLife is how long one is kept that its device does not renew, once
	// there are too many.
	receiptLife = 30 * 24 * time.Hour
)

// receipts keeps the newest receipt that each key has signed, as the file KEY in
// a folder. Whose key it is, its readers know.
type receipts struct {
	dir      string // empty = none are kept
	registry state.Registry
	max      int

	mu    sync.Mutex
	count int       // files, as far as known
	swept time.Time // when old ones were looked for
}

func openReceipts(dir string, registry state.Registry) (*receipts, error) {
	r := &receipts{dir: dir, registry: registry, max: maxReceipts}
	if dir == "" {
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	r.count = len(files)
	return r, err
}

func (r *receipts) file(key state.Word) string { return filepath.Join(r.dir, key.String()) }

// read is the stored receipt, nil where there is none.
func (r *receipts) read(key state.Word) ([]byte, error) {
	if r.dir == "" {
		return nil, nil
	}
	b, err := os.ReadFile(r.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// put keeps a receipt and returns the HTTP status that says so.
func (r *receipts) put(key state.Word, body io.Reader, now time.Time) int {
	if r.dir == "" {
		return http.StatusNotFound
	}
	b, err := io.ReadAll(io.LimitReader(body, bundle.MaxReceipt+1))
	if err != nil {
		return http.StatusBadRequest
	}
	receipt, err := bundle.ParseReceipt(b)
	switch {
	case errors.Is(err, bundle.ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case err != nil, receipt.Key() != key, receipt.Anchor.Registry != r.registry:
		return http.StatusBadRequest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	old, err := r.read(key)
	if err != nil {
		return http.StatusServiceUnavailable
	}
	if old == nil && r.count >= r.max && !r.sweep(now) {
		return http.StatusInsufficientStorage
	}
	if before, err := bundle.ParseReceipt(old); err == nil && before.Time > receipt.Time {
		return http.StatusConflict // somebody shows an older one
	}
	if bytes.Equal(old, b) {
		return http.StatusNoContent
	}
	if err := file.Replace(r.file(key), b, 0o644); err != nil {
		return http.StatusServiceUnavailable
	}
	if old == nil {
		r.count++
	}
	return http.StatusNoContent
}

// sweep drops receipts that nobody has renewed for long, at most once a minute.
// It reports whether there is room now.
func (r *receipts) sweep(now time.Time) bool {
	if now.Sub(r.swept) < time.Minute {
		return false
	}
	r.swept = now
	files, err := os.ReadDir(r.dir)
	if err != nil {
		return false
	}
	r.count = len(files)
	for _, f := range files {
		info, err := f.Info()
		if err == nil && now.Sub(info.ModTime()) > receiptLife && os.Remove(filepath.Join(r.dir, f.Name())) == nil {
			r.count--
		}
	}
	return r.count < r.max
}
