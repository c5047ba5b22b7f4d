package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"dpki/bundle"
)

// Folder keeps each block as one file named by its CID. Any web server that
// serves the folder as /ipfs/ is a Gateway to it.
type Folder struct {
	Path string // made by the first Put
}

func (f Folder) String() string { return "folder " + f.Path }

// Get reads a block.
func (f Folder) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	b, err := f.read(ctx, id, clampMax(max))
	if err != nil {
		return nil, &Error{Store: f.String(), Op: "get", ID: id, Err: err}
	}
	return b, nil
}

func (f Folder) read(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	// O_NONBLOCK, so that a FIFO put there by somebody cannot hang the reader.
	file, err := os.OpenFile(f.file(id), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("not a regular file: %w", ErrUnavailable)
	}
	b, err := io.ReadAll(io.LimitReader(file, int64(max)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	return check(b, id, max)
}

// Put writes a block: temporary file, fsync, rename, fsync of the folder. A
// file of that name with other bytes is a damaged one, and is replaced.
func (f Folder) Put(ctx context.Context, block []byte) (bundle.CID, error) {
	id, err := admit(block)
	if err == nil {
		if _, missing := f.read(ctx, id, len(block)); missing != nil {
			err = f.write(id, block)
		}
	}
	if err != nil {
		return bundle.CID{}, &Error{Store: f.String(), Op: "put", ID: id, Err: err}
	}
	return id, nil
}

// Pinned reports whether the block's file is there.
func (f Folder) Pinned(_ context.Context, id bundle.CID) (bool, error) {
	_, err := os.Lstat(f.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, &Error{Store: f.String(), Op: "get", ID: id, Err: fmt.Errorf("%w: %w", err, ErrUnavailable)}
	}
	return true, nil
}

// Unpin removes a block.
func (f Folder) Unpin(_ context.Context, id bundle.CID) error {
	if err := os.Remove(f.file(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &Error{Store: f.String(), Op: "unpin", ID: id, Err: fmt.Errorf("%w: %w", err, ErrUnavailable)}
	}
	return nil
}

func (f Folder) file(id bundle.CID) string { return filepath.Join(f.Path, id.String()) }

func (f Folder) write(id bundle.CID, block []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %w", err, ErrUnavailable)
		}
	}()
	if err := os.MkdirAll(f.Path, 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(f.Path, ".put-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // after the rename there is nothing to remove
	_, err = temp.Write(block)
	if err == nil {
		err = temp.Chmod(0o644) // ciphertext, for whoever serves the folder
	}
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), f.file(id)); err != nil {
		return err
	}
	d, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
