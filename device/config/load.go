package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"dpki/internal/network"
)

// ErrUnsafe says that a file, or a folder above it, is a link, is not its
// owner's alone, or is no plain file.
var ErrUnsafe = errors.New("not root's alone, or not a plain file or folder")

// Load reads the configuration.
func Load(path string) (Config, error) {
	text, err := Read(path, maxSize)
	if err != nil {
		return Config{}, err
	}
	c, err := Parse(text)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// LoadNetwork reads a network file.
func LoadNetwork(path string) (network.File, error) {
	text, err := Read(path, network.MaxSize)
	if err != nil {
		return network.File{}, err
	}
	n, err := network.Parse(text)
	if err != nil {
		return network.File{}, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// Read reads a file that decides whom to trust: it and every folder above it
// belong to the effective user or to root, nobody else may write to them, and
// none is a link. The file is checked on its opened descriptor.
func Read(path string, max int) ([]byte, error) {
	if err := CheckFolders(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: %w", path, ErrUnsafe)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || !ours(info) {
		return nil, fmt.Errorf("%s has mode %v, owner %d: %w", path, info.Mode(), owner(info), ErrUnsafe)
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(max)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > max {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, max)
	}
	return b, nil
}

// CheckFolders checks a folder and all above it. A folder with the sticky bit,
// as /tmp, is passed: what lies in it cannot be replaced by others.
func CheckFolders(dir string) error {
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("%s is not an absolute path: %w", dir, ErrUnsafe)
	}
	at := ""
	for _, part := range append([]string{""}, strings.Split(strings.Trim(filepath.Clean(dir), "/"), "/")...) {
		at = filepath.Join("/", at, part)
		info, err := os.Lstat(at)
		if err != nil {
			return err
		}
		if !info.IsDir() || !ours(info) && info.Mode()&os.ModeSticky == 0 {
			return fmt.Errorf("%s has mode %v, owner %d: %w", at, info.Mode(), owner(info), ErrUnsafe)
		}
	}
	return nil
}

func ours(info os.FileInfo) bool {
	uid := owner(info)
	return (uid == 0 || uid == os.Geteuid()) && info.Mode().Perm()&0o022 == 0
}

func owner(info os.FileInfo) int {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid)
	}
	return -1
}
