package journal

import (
	"errors"
	"os"

	"dpki/internal/anchor"
)

// Reset is reset-trust while no daemon runs: what was verified is forgotten, and
// what the device was given stays. A journal that is damaged is put aside as
// path + ".damaged", over an earlier one there, and a new one begins; so it does
// where there is none. ErrLocked, ErrAnchor and ErrFileMode leave everything as
// it was.
func Reset(path string, a anchor.Anchor) error {
	j, err := Open(path, a)
	switch {
	case err == nil:
		return errors.Join(j.Forget(), j.Close())
	case errors.Is(err, ErrCorrupt):
		if err := os.Rename(path, path+".damaged"); err != nil {
			return err
		}
	case !errors.Is(err, ErrMissing):
		return err
	}
	return Create(path, a)
}
