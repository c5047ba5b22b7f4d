package journal

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"go.etcd.io/bbolt"
)

// reserveSize is what is kept free for the journal on a disk that others fill, in
// bytes: some hundred restrictions.
const reserveSize = 256 << 10

// reserve is a file that is there to be removed when the disk is full.
func (j *Journal) reserve() string { return j.path + ".reserve" }

// update is a transaction that is on disk when it returns. On a full disk it is
// tried once more with what was reserved: a restriction that is seen while
// somebody fills the disk shall outlive a restart.
func (j *Journal) update(change func(*bbolt.Tx) error) error {
	err := j.db.Update(change)
	if errors.Is(err, syscall.ENOSPC) && os.Remove(j.reserve()) == nil {
		err = j.db.Update(change)
	} else if err == nil {
		j.keepReserve()
	}
	return err
}

// keepReserve makes the file where it is missing and there is room for many. It
// is no error if it cannot.
func (j *Journal) keepReserve() {
	if info, err := os.Lstat(j.reserve()); err == nil && info.Size() == reserveSize {
		return
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(j.path, &disk); err != nil || int64(disk.Bavail)*disk.Bsize < 4*reserveSize {
		return
	}
	// Bytes that are some: a hole reserves nothing.
	if err := os.WriteFile(j.reserve(), bytes.Repeat([]byte{0xff}, reserveSize), 0o600); err != nil {
		os.Remove(j.reserve())
	}
}

// Remove removes a journal and what belongs to it.
func Remove(path string) error {
	j := Journal{path: path}
	for _, file := range []string{j.reserve(), path} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
