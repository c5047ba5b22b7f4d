package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"dpki/registry"
	"dpki/registry/segment"
	"dpki/registry/witness"
	"dpki/state"
)

// SegmentsFolder is where a folder keeps log segments.
const SegmentsFolder = "segments"

// WitnessFolder is where a folder keeps the newest checkpoint of each witness.
const WitnessFolder = "witness"

// Folder reads log segments from the files segments/SCOPE-INDEX below a path,
// what `dpki log segment` writes, and checkpoints from the files witness/KEY,
// what `dpki witness run` writes.
type Folder struct{ Path string }

// Segment reads a segment, at most segment.MaxSize bytes.
func (f Folder) Segment(_ context.Context, scope state.Word, index uint64) ([]byte, error) {
	return ReadFile(filepath.Join(f.Path, SegmentsFolder, segment.Name(scope, index)), segment.MaxSize)
}

// Checkpoint implements verify.CheckpointSource.
func (f Folder) Checkpoint(_ context.Context, key witness.Key) ([]byte, error) {
	return ReadFile(filepath.Join(f.Path, WitnessFolder, key.String()), witness.MaxCheckpoint)
}

// ReadFile reads a regular file of at most max bytes. Its errors are
// *registry.Failure.
func ReadFile(path string, max int) ([]byte, error) {
	b, err := readFile(path, max)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, unavailable("no such file")
	case err != nil:
		return nil, unavailable("%v", err)
	case len(b) > max:
		return nil, &registry.Failure{Fault: registry.TooLarge}
	}
	return b, nil
}

func readFile(path string, max int) ([]byte, error) {
	// O_NONBLOCK, so that a FIFO put there by somebody cannot hang the reader.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	return io.ReadAll(io.LimitReader(file, int64(max)+1))
}
