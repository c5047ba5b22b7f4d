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
	"dpki/state"
)

// SegmentsFolder is where a folder keeps log segments.
const SegmentsFolder = "segments"

// Folder reads log segments from the files segments/SCOPE-INDEX below a path:
// what `dpki log segment` writes.
type Folder struct{ Path string }

// Segment reads a segment, at most segment.MaxSize bytes.
func (f Folder) Segment(_ context.Context, scope state.Word, index uint64) ([]byte, error) {
	b, err := readFile(filepath.Join(f.Path, SegmentsFolder, segment.Name(scope, index)), segment.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unavailable("no such segment")
	}
	if err != nil {
		return nil, unavailable("%v", err)
	}
	if len(b) > segment.MaxSize {
		return nil, &registry.Failure{Fault: registry.TooLarge}
	}
	return b, nil
}

// readFile reads a regular file and stops one byte after max.
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
