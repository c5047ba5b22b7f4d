package journal

import (
	"errors"
	"fmt"
)

// Outcomes that the daemon tells apart. After each of them it does not run.
var (
	// ErrMissing: there is no journal. Enrolment makes one; if there was one
	// before, reset-trust by local root is the way back.
	ErrMissing = errors.New("the journal is missing")
	// ErrExists: Create found one.
	ErrExists = errors.New("there is a journal already")
	// ErrCorrupt: the file, or what it says, is not what was written.
	ErrCorrupt = errors.New("the journal is damaged")
	// ErrUnsure: after a crash another file may have the journal's name than the
	// one that is open.
	ErrUnsure = errors.New("which journal is on disk is not sure")
	// ErrAnchor: the journal belongs to another organisation.
	ErrAnchor = errors.New("the journal belongs to another anchor")
	// ErrLocked: another process has it open.
	ErrLocked = errors.New("the journal is in use by another process")
	// ErrFileMode: others could write it, or it is not a regular file.
	ErrFileMode = errors.New("unsafe owner, mode or type")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}
