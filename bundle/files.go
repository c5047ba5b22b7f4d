package bundle

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"dpki/state"
)

const (
	maxFiles    = 256
	maxFilePath = 255
	maxFileDeep = 8
)

// Files is the content of purpose 6: a set of files that stand or fall together.
// Where the set goes, who owns it and what is run then is the recipient's to say,
// by the set's name.
type Files struct {
	Version int    `json:"version"` // 1
	Name    string `json:"name"`    // of the set, state.ValidName
	Files   []File `json:"files"`   // 1 to 256, paths strictly ascending
}

// File is one of them.
type File struct {
	Path    string  `json:"path"` // relative, ValidFilePath
	Mode    string  `json:"mode"` // four octal digits, "0644": no group or others may write, no set-id
	Content Content `json:"content"`
}

// Content is a file's bytes, base64 in JSON. It may be a secret.
type Content []byte

// Format keeps contents out of messages, whatever the verb.
func (Content) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText is standard base64 with padding.
func (c Content) MarshalText() ([]byte, error) { return encodeSecret(c), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (c *Content) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.Strict().AppendDecode([]byte{}, text)
	if err != nil || base64.StdEncoding.EncodedLen(len(b)) != len(text) {
		return malformed("a file's content is not base64")
	}
	*c = b
	return nil
}

// Marshal checks and encodes the content.
func (f *Files) Marshal() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return marshalContent(f)
}

// ParseFiles decodes the content of a bundle with purpose 6.
func ParseFiles(b []byte) (*Files, error) {
	f := &Files{}
	if err := decodeStrict(b, MaxContent, f); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *Files) check() error {
	switch {
	case f.Version != 1:
		return malformed("files of version %d", f.Version)
	case !state.ValidName(f.Name):
		return malformed("files: name %.80q", f.Name)
	case len(f.Files) == 0 || len(f.Files) > maxFiles:
		return malformed("%d files", len(f.Files))
	}
	last := ""
	for _, file := range f.Files {
		if !ValidFilePath(file.Path) || file.Path <= last {
			return malformed("files: path %.80q after %.80q", file.Path, last)
		}
		// Any file between a folder's name and what lies in it ends in a byte
		// below the slash; what follows is still compared with all before it.
		for _, other := range f.Files {
			if strings.HasPrefix(file.Path, other.Path+"/") {
				return malformed("files: %.80q is a file and a folder", other.Path)
			}
		}
		if _, err := file.Perm(); err != nil {
			return err
		}
		last = file.Path
	}
	return nil
}

// Perm is the file's mode.
func (f *File) Perm() (fs.FileMode, error) {
	n, err := strconv.ParseUint(f.Mode, 8, 16)
	if err != nil || len(f.Mode) != 4 || n&^0o755 != 0 || n&0o400 == 0 {
		return 0, malformed("files: mode %.20q of %.80q", f.Mode, f.Path)
	}
	return fs.FileMode(n), nil
}

// ValidFilePath reports whether s names a file below a folder: at most 255 bytes
// and 8 parts of A-Z a-z 0-9 _ . -, none of them a way up, none beginning as the
// files that are being written do.
func ValidFilePath(s string) bool {
	if len(s) == 0 || len(s) > maxFilePath || strings.Count(s, "/") >= maxFileDeep {
		return false
	}
	for _, part := range strings.Split(s, "/") {
		if part == "" || part == "." || part == ".." || strings.HasPrefix(part, ".dpki") || part[0] == '-' {
			return false
		}
		for i := range len(part) {
			c := part[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
				return false
			}
		}
	}
	return true
}
