package mirror

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
)

// disk keeps blocks in a folder up to a number of bytes; those read longest ago
// go first. store.Folder compares what it reads with the CID, so that a file that
// is cut off or altered is fetched anew.
type disk struct {
	folder store.Folder
	max    int64
	from   bundle.Getter // where blocks come from

	mu   sync.Mutex
	held int64 // bytes, as far as known
}

// openDisk counts what is there. An empty path keeps nothing.
func openDisk(path string, max int64, from bundle.Getter) (*disk, error) {
	d := &disk{folder: store.Folder{Path: path}, max: max, from: from}
	if path == "" || max <= 0 {
		d.folder.Path = ""
		return d, nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d, d.shrink()
}

// Get implements bundle.Getter.
func (d *disk) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if d.folder.Path == "" {
		return d.from.Get(ctx, id, max)
	}
	if b, err := d.folder.Get(ctx, id, max); err == nil {
		now := time.Now()
		os.Chtimes(filepath.Join(d.folder.Path, id.String()), now, now) // for the order; a disk that refuses loses nothing
		return b, nil
	}
	b, err := d.from.Get(ctx, id, max)
	if err != nil {
		return nil, err
	}
	if _, err := d.folder.Put(ctx, b); err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.held += int64(len(b)); d.held > d.max {
			d.shrink() // what fails stays counted, and is tried at the next block
		}
	}
	return b, nil
}

// shrink removes the oldest files until a tenth is free, and counts again. It is
// called with mu held.
func (d *disk) shrink() error {
	entries, err := os.ReadDir(d.folder.Path)
	if err != nil {
		return err
	}
	type file struct {
		name string
		size int64
		at   time.Time
	}
	var files []file
	d.held = 0
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{e.Name(), info.Size(), info.ModTime()})
			d.held += info.Size()
		}
	}
	if d.held <= d.max {
		return nil
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	for _, f := range files {
		if d.held <= d.max-d.max/10 {
			break
		}
		if os.Remove(filepath.Join(d.folder.Path, f.name)) == nil {
			d.held -= f.size
		}
	}
	return nil
}
