package source

import (
	"context"
	"path/filepath"

	"dpki/registry/witness"
)

// Checkpoints is a place where witnesses' checkpoints lie: a Mirror or a Folder.
type Checkpoints interface {
	Checkpoint(ctx context.Context, key witness.Key) ([]byte, error)
}

// OpenCheckpoints prepares the place of an http or https URL, which is asked as a
// mirror is, or of a folder's absolute path.
func OpenCheckpoints(place string) (Checkpoints, error) {
	if filepath.IsAbs(place) {
		return Folder{Path: place}, nil
	}
	return DialMirror(place)
}
