package pamd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dpki/device/config"
)

// Dir is where PAM's services are.
const Dir = "/etc/pam.d"

const maxFile = 64 << 10 // bytes of a service file

// ErrNoService: PAM has no file of its own for the service.
var ErrNoService = errors.New("there is no PAM service file")

// Services are PAM's service files of one machine. The zero value is the system's.
type Services struct {
	Dir string // empty: /etc/pam.d
}

func (s Services) path(service string) string {
	dir := s.Dir
	if dir == "" {
		dir = Dir
	}
	return filepath.Join(dir, service)
}

// sudoServices are those of sudo, and of sudo -i where it has one.
var sudoServices = []string{"sudo", "sudo-i"}

// Login plans sshd's service.
func (s Services) Login(service string, who Subjects) (config.Changes, error) {
	first, last := login(who)
	c, err := s.change(service, first, last)
	return add(nil, c), err
}

// Sudo plans sudo's services.
func (s Services) Sudo(who Subjects, how Sudo) (all config.Changes, err error) {
	for _, service := range sudoServices {
		c, err := s.change(service, elevate(who, how), "")
		switch {
		case errors.Is(err, ErrNoService) && service != sudoServices[0]:
		case err != nil:
			return nil, err
		default:
			all = add(all, c)
		}
	}
	return all, nil
}

// add leaves out what stays as it is.
func add(all config.Changes, c config.Change) config.Changes {
	if bytes.Equal(c.Old, c.New) {
		return all
	}
	return append(all, c)
}

// Without plans services without dpki's lines; those that have none stay out.
func (s Services) Without(services ...string) (all config.Changes, err error) {
	for _, service := range services {
		c, err := s.read(service)
		if errors.Is(err, ErrNoService) {
			continue
		}
		if err == nil {
			c.New, err = remove(c.Old)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.path(service), err)
		}
		all = add(all, c)
	}
	return all, nil
}

// WithoutSudo is Without for sudo's services.
func (s Services) WithoutSudo() (config.Changes, error) { return s.Without(sudoServices...) }

// WithoutAny is Without for whatever service has lines of ours.
func (s Services) WithoutAny() (config.Changes, error) {
	files, err := filepath.Glob(s.path("*"))
	if err != nil {
		return nil, err
	}
	var marked []string
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && bytes.Contains(text, []byte(mark)) {
			marked = append(marked, filepath.Base(f))
		}
	}
	return s.Without(marked...)
}

// Asks reports whether a service has lines with the module: ours, or somebody's.
func (s Services) Asks(service string) (bool, error) {
	c, err := s.read(service)
	if errors.Is(err, ErrNoService) {
		return false, nil
	}
	return byHand(string(c.Old)), err
}

// Notes reports whether the module sees what sshd says of a login before another
// module may say something else: its line with `note` comes before every other
// line of type session. A service without a file notes nothing.
func (s Services) Notes(service string) (bool, error) {
	c, err := s.read(service)
	if errors.Is(err, ErrNoService) {
		return false, nil
	}
	return notes(string(c.Old)), err
}

func (s Services) change(service, first, last string) (config.Change, error) {
	c, err := s.read(service)
	if err != nil {
		return c, err
	}
	bare, err := remove(c.Old)
	if err == nil {
		c.New, err = insert(bare, first, last)
	}
	if err != nil {
		return c, fmt.Errorf("%s: %w", c.Path, err)
	}
	return c, nil
}

func (s Services) read(service string) (c config.Change, err error) {
	c.Path = s.path(service)
	c.Old, err = config.Read(c.Path, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("%w: %s", ErrNoService, c.Path)
	}
	if err != nil {
		return c, err
	}
	info, err := os.Lstat(c.Path)
	if err != nil {
		return c, err
	}
	c.New, c.Mode = c.Old, info.Mode().Perm()
	return c, nil
}
