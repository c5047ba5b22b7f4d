package journal

import (
	"fmt"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Release takes the journal's pages out of this process's memory. The log is
// read as a whole when a device starts or joins, and hardly ever again; the
// kernel keeps what it likes of the file, and gives it up when others want
// memory. It changes nothing but that: what is read next is mapped again.
func (j *Journal) Release() error {
	return j.db.View(func(tx *bbolt.Tx) error { // nobody maps the file anew meanwhile
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, j.db.Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED)
		if errno != 0 {
			return fmt.Errorf("journal: %w", errno)
		}
		return nil
	})
}
