package bundle

import (
	"crypto/sha256"
	"fmt"

	"dpki/state"
)

// MaxSummary bounds a summary, in bytes.
const MaxSummary = 128 << 10

// Summary is what a content consists of, without its secrets: what a watchdog is
// shown. The recipient makes it again from the content that it got; what is
// signed names its digest, so that nobody is shown one certificate while the
// recipient gets another.
type Summary struct {
	Version    int     `json:"version"` // 1
	Purpose    Purpose `json:"purpose"` // 3 to 6, and the one field below that belongs to it
	PrivateKey bool    `json:"private_key"`
	// The contents: private_key is empty, and an authority's key is zeros.
	UserKey *UserKey         `json:"user_key,omitempty"`
	Host    *HostCertificate `json:"host_certificate,omitempty"`
	Trust   *Trust           `json:"ca,omitempty"`
	Files   *FileList        `json:"files,omitempty"`
}

// FileList is a set of files without their contents.
type FileList struct {
	Name  string       `json:"name"`
	Files []ListedFile `json:"files"`
}

// ListedFile is one of them. The digest is sha256("dpki/file/1" | salt of the
// bundle | content): without the salt, which only the recipient has, a short
// secret cannot be guessed by it.
type ListedFile struct {
	Path   string     `json:"path"`
	Mode   string     `json:"mode"`
	Size   int        `json:"size"` // bytes
	Digest state.Word `json:"digest"`
}

// Summarize makes the summary of a content, which it checks as its recipient does.
func Summarize(p Purpose, salt [32]byte, content []byte) (*Summary, error) {
	s := &Summary{Version: 1, Purpose: p}
	switch p {
	case PurposeUserKey:
		u, err := ParseUserKey(content)
		if err != nil {
			return nil, err
		}
		s.PrivateKey = len(u.PrivateKey) > 0
		clear(u.PrivateKey)
		u.PrivateKey, u.Authority.Key = nil, Key{}
		s.UserKey = u
	case PurposeHostCertificate:
		h, err := ParseHostCertificate(content)
		if err != nil {
			return nil, err
		}
		s.PrivateKey = len(h.PrivateKey) > 0
		clear(h.PrivateKey)
		h.PrivateKey, h.Authority.Key = nil, Key{}
		s.Host = h
	case PurposeCA:
		t, err := ParseTrust(content)
		if err != nil {
			return nil, err
		}
		for i := range t.CAs {
			t.CAs[i].Authority.Key = Key{}
		}
		s.Trust = t
	case PurposeFiles:
		f, err := ParseFiles(content)
		if err != nil {
			return nil, err
		}
		s.Files = f.list(salt)
	default:
		return nil, fmt.Errorf("%v has no summary: %w", p, ErrWrongPlace)
	}
	return s, nil
}

func (f *Files) list(salt [32]byte) *FileList {
	l := &FileList{Name: f.Name}
	for _, file := range f.Files {
		l.Files = append(l.Files, ListedFile{Path: file.Path, Mode: file.Mode, Size: len(file.Content), Digest: FileDigest(salt, file.Content)})
		clear(file.Content)
	}
	return l
}

// FileDigest is the digest of a ListedFile.
func FileDigest(salt [32]byte, content []byte) state.Word {
	h := sha256.New()
	h.Write([]byte("dpki/file/1"))
	h.Write(salt[:])
	h.Write(content)
	return state.Word(h.Sum(nil))
}

// Marshal encodes the summary.
func (s *Summary) Marshal() ([]byte, error) {
	b, err := marshalContent(s)
	if err == nil && len(b) > MaxSummary {
		err = fmt.Errorf("summary of %d bytes, at most %d: %w", len(b), MaxSummary, ErrTooLarge)
	}
	return b, err
}

// Check refuses a summary that is not of one purpose. It is for showing: whether
// it is true the recipient finds out.
func (s *Summary) Check() error {
	set := map[Purpose]bool{PurposeUserKey: s.UserKey != nil, PurposeHostCertificate: s.Host != nil, PurposeCA: s.Trust != nil, PurposeFiles: s.Files != nil}
	for p, has := range set {
		if has != (p == s.Purpose) {
			return malformed("summary of %v", s.Purpose)
		}
	}
	if s.Version != 1 || !set[s.Purpose] {
		return malformed("summary of version %d", s.Version)
	}
	return nil
}

// Name is what the content calls itself, empty for a host certificate.
func (s *Summary) Name() string {
	switch {
	case s.UserKey != nil:
		return s.UserKey.Name
	case s.Trust != nil:
		return s.Trust.Name
	case s.Files != nil:
		return s.Files.Name
	}
	return ""
}

// announcedAs refuses a content that was announced by another name than its own.
// By that name others know what it is and what it takes the place of; where the
// recipient puts it goes by its own.
func (s *Summary) announcedAs(name string) error {
	if own := s.Name(); own != "" && name != "" && own != name {
		return malformed("content called %.80q, announced as %.80q", own, name)
	}
	return nil
}

// digest is sha256("dpki/summary/1" | the encoded summary).
func (s *Summary) digest() (state.Word, error) {
	b, err := s.Marshal()
	return sha256.Sum256(append([]byte("dpki/summary/1"), b...)), err
}
