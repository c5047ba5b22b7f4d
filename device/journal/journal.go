package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"dpki/internal/anchor"
	"dpki/internal/file"
)

const form = 1

var (
	bucketMeta    = []byte("meta")
	bucketRecords = []byte("records")
	bucketBatches = []byte("batches")
	bucketScopes  = []byte("scopes")
	bucketLog     = []byte("log")

	keyForm    = []byte("form")
	keyAnchor  = []byte("anchor")
	keyHead    = []byte("head")
	keyBase    = []byte("base")
	keyTip     = []byte("tip")
	keyThrough = []byte("through")
	keyOverlay = []byte("overlay")
	keySticky  = []byte("sticky")
)

// Journal is an open journal. It is safe for concurrent use.
type Journal struct {
	db   *bbolt.DB
	path string
}

// Create makes an empty journal for an organisation. It appears whole or not at
// all; one that exists is ErrExists.
func Create(path string, a anchor.Anchor) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), workFolders)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "journal")
	db, err := bbolt.Open(temp, 0o600, nil)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketRecords, bucketBatches, bucketScopes} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		meta := tx.Bucket(bucketMeta)
		return errors.Join(meta.Put(keyForm, []byte{form}), meta.Put(keyAnchor, []byte(a.String())))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.Link(temp, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	} else if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return file.SyncFolder(filepath.Dir(path))
}

// Open opens the journal of an organisation. It never makes one. What a crash has
// left half written in the journal's folder is removed: nobody else writes there.
func Open(path string, a anchor.Anchor) (*Journal, error) {
	j, err := OpenBeside(path, a)
	if err == nil {
		j.tidy()
	}
	return j, err
}

// OpenBeside is Open in a folder in which others are at work: a successor's journal
// beside that of an engine, which may be writing what it denies.
func OpenBeside(path string, a anchor.Anchor) (*Journal, error) {
	j, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := j.guard(func() error { return j.check(a) }); err != nil {
		j.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	j.keepReserve()
	return j, nil
}

func open(path string) (j *Journal, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, ErrMissing)
	} else if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s has mode %v: %w", path, info.Mode(), ErrFileMode)
	}
	// bbolt maps the file. Where it was cut short, reading is a fault of memory
	// or an assertion of the library: both are panics here, and damage.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			j, err = nil, fmt.Errorf("%s: %w", path, corrupt("%v", r))
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("journal: %w", err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, corrupt("%v", err))
	}
	return &Journal{db: db, path: path}, nil
}

// check looks at what the file says of itself and at its length, before
// anything else is read.
func (j *Journal) check(a anchor.Anchor) error {
	info, err := os.Stat(j.db.Path())
	if err != nil {
		return err
	}
	return j.db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > info.Size() {
			return corrupt("%d bytes of %d", info.Size(), tx.Size())
		}
		meta := tx.Bucket(bucketMeta)
		if meta == nil || tx.Bucket(bucketRecords) == nil || tx.Bucket(bucketBatches) == nil || tx.Bucket(bucketScopes) == nil {
			return corrupt("a part is missing")
		}
		if f := meta.Get(keyForm); len(f) != 1 || f[0] != form {
			return corrupt("form %x", f)
		}
		if string(meta.Get(keyAnchor)) != a.String() {
			return ErrAnchor
		}
		return nil
	})
}

// guard turns the panics of reading a damaged file into ErrCorrupt.
func (j *Journal) guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = corrupt("%v", r)
		}
	}()
	return read()
}

// Close releases the file.
func (j *Journal) Close() error { return j.db.Close() }
