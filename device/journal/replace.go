package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"dpki/internal/anchor"
	"dpki/internal/file"
)

// Replace puts the journal of another organisation in the place of one, which is
// gone then: a device follows its organisation to a successor. Done again after
// an interruption it does what is left. ErrAnchor: neither is that
// organisation's, and nothing was changed.
func Replace(path, by string, a anchor.Anchor) error {
	next, err := Open(by, a)
	if errors.Is(err, ErrMissing) {
		next, err = Open(path, a) // done before
	} else if err == nil {
		err = os.Rename(by, path)
	}
	if next == nil {
		return err
	}
	if err := errors.Join(err, next.Close()); err != nil {
		return err
	}
	if err := os.Remove((&Journal{path: by}).reserve()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return file.SyncFolder(filepath.Dir(path))
}
