package pamd

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"dpki/device/config"
)

// ErrNoModule: PAM would not find the module, or not load it.
var ErrNoModule = errors.New("the PAM module is not installed")

// folders are where distributions keep PAM's modules: Debian by architecture, others by the size of a word.
var folders = []string{"/usr/lib/*/security", "/lib/*/security", "/usr/lib64/security", "/lib64/security", "/usr/lib/security", "/lib/security"}

const moduleName = "pam_dpki.so"

// Module finds the module beside PAM's own, which is the only place where a name without a folder is looked for.
func Module() (string, error) { return module(folders) }

func module(folders []string) (string, error) {
	err := fmt.Errorf("%w: PAM's folder of modules was not found", ErrNoModule)
	for _, pattern := range folders {
		found, _ := filepath.Glob(filepath.Join(pattern, "pam_unix.so"))
		for _, beside := range found {
			path, e := usable(filepath.Dir(beside), beside)
			if e == nil {
				return path, nil
			}
			err = e
		}
	}
	return "", err
}

// usable checks what sshd would load into itself as root.
func usable(dir, beside string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir) // /lib is a link on merged systems
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, moduleName)
	ours, err := machine(path)
	if err != nil {
		return "", err
	}
	theirs, err := machine(beside)
	if err != nil {
		return "", err
	}
	if ours != theirs {
		return "", fmt.Errorf("%w: %s is for %v, PAM is for %v", ErrNoModule, path, ours, theirs)
	}
	return path, nil
}

// maxModule bounds a module's file, in bytes; the largest of others is about 500 KB.
const maxModule = 16 << 20

// machine is what a module was built for.
func machine(path string) (elf.Machine, error) {
	b, err := config.Read(path, maxModule)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: %w", ErrNoModule, err)
	}
	if err != nil {
		return 0, err
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil || f.Type != elf.ET_DYN {
		return 0, fmt.Errorf("%w: %s is no shared object", ErrNoModule, path)
	}
	return f.Machine, nil
}
