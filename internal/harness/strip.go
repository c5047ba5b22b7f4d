package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// traces is what a dpki that is in use on this machine leaves in folders that are overlaid: an enrolled device would
// refuse the enrolment of a test or of the demo.
var traces = []string{"/etc/dpki", "/var/lib/dpki"}

// strip takes paths away from the namespace's copy of the machine. Where one does not lie on an overlay it refuses: that
// would be the machine's own.
func strip(paths ...string) error {
	for _, path := range paths {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var on unix.Statfs_t
		if err := unix.Statfs(filepath.Dir(path), &on); err != nil {
			return &os.PathError{Op: "statfs", Path: filepath.Dir(path), Err: err}
		}
		if on.Type != unix.OVERLAYFS_SUPER_MAGIC {
			return fmt.Errorf("%s is the machine's own, not a copy: it stays", path)
		}
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}
