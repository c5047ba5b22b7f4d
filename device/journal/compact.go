package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"

	"dpki/internal/file"
)

const (
	// workFolders is the pattern of the folders in which journals are made before
	// they get their name.
	workFolders = ".journal-*"
	// wasteful is how many bytes of free pages are worth a copy of the rest.
	wasteful = 1 << 20
	// copyAtOnce bounds one transaction of a copy, in bytes.
	copyAtOnce = 256 << 10
)

// Wasteful reports whether the file is mostly pages that nothing uses: a device
// that has joined a large zone held all its entries twice for a while.
func (j *Journal) Wasteful() bool {
	free := j.db.Stats().FreePageN + j.db.Stats().PendingPageN
	info, err := os.Stat(j.path)
	return err == nil && free*j.db.Info().PageSize >= wasteful && int64(free*j.db.Info().PageSize) > info.Size()/2
}

// Compact replaces the file by one without free pages. The new one is whole and
// on disk before it takes the name, so that a crash leaves the one or the other,
// and both say the same. Nobody else may use j meanwhile. After ErrUnsure j must
// not be used any more; after another error it goes on with the old file.
func (j *Journal) Compact() error {
	dir, err := os.MkdirTemp(filepath.Dir(j.path), workFolders)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer os.RemoveAll(dir)
	temp := filepath.Join(dir, "journal")
	if err := j.copyTo(temp); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	next, err := open(temp) // before the rename, after which nothing may fail
	if err != nil {
		return err
	}
	if err := os.Rename(temp, j.path); err != nil {
		return errors.Join(fmt.Errorf("journal: %w", err), next.Close())
	}
	old := j.db
	j.db = next.db
	if err := errors.Join(file.SyncFolder(filepath.Dir(j.path)), old.Close()); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsure, err)
	}
	return nil
}

// copyTo writes a copy that is on disk when it returns.
func (j *Journal) copyTo(path string) (err error) {
	to, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	err = j.guard(func() error { return bbolt.Compact(to, j.db, copyAtOnce) })
	if err != nil {
		return err
	}
	return to.Sync()
}

// tidy removes what a crash left of files that were being made in the journal's
// folder: what counts is what has a name.
func (j *Journal) tidy() {
	folder := filepath.Dir(j.path)
	file.Tidy(folder)
	left, err := filepath.Glob(filepath.Join(folder, workFolders))
	if err != nil {
		return // the pattern is well formed
	}
	for _, dir := range left {
		os.RemoveAll(dir)
	}
}
