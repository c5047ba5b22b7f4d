package breakglass

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// Folder holds the keys.
	Folder = "/etc/dpki/breakglass.d"
	// DeniedFile is the daemon's list. The helper reads it, so others must be able to search /var/lib/dpki (mode 0711).
	DeniedFile = "/var/lib/dpki/denied"

	maxFiles   = 1024 // in the folder
	maxMatches = 64   // for one account
	suffix     = ".keys"
	nonBlock   = syscall.O_NONBLOCK // a FIFO must not hold us up before it is refused
)

// Errors of Lookup. All of them deny.
var (
	ErrNoKey   = errors.New("no break-glass key matches")
	ErrFolder  = errors.New("the break-glass folder cannot be used")
	ErrExpired = errors.New("the break-glass key has expired")
	ErrDenied  = errors.New("the break-glass key is denied")
)

// Store says where the folder and the list stand. The zero value lets nobody in.
type Store struct {
	Root   string // the trusted folder that Folder and Denied are below; its own owner and mode are checked too
	Owner  uint32 // uid that everything must belong to
	Folder string
	Denied string // ignored where a Query brings its own
}

// System is the store of this machine.
func System() Store { return Store{Root: "/", Owner: 0, Folder: Folder, Denied: DeniedFile} }

// Query is what sshd asks.
type Query struct {
	Account string
	KeyType string // sshd's %t
	Key     string // sshd's %k
	Now     time.Time

	// IsDenied says whether a key (sha-256 of its blob) is denied; nil reads the daemon's list. The daemon has it at hand.
	IsDenied func(key [32]byte) bool
}

// Match is a key that lets in.
type Match struct {
	Line    string // for sshd, without a line end
	File    string // its name in the folder
	Expires time.Time
}

// Lookup finds the file that holds exactly the offered key for the account.
func (s Store) Lookup(q Query) (Match, error) {
	if s.Root == "" || s.Folder == "" || q.Now.Unix() <= 0 || !ValidAccount(q.Account) || !plainKeyType(q.KeyType) {
		return Match{}, ErrNoKey
	}
	blob, err := keyBlob(q.Key)
	if err != nil {
		return Match{}, ErrNoKey
	}
	entry, name, err := s.find(q)
	if err != nil {
		return Match{}, err
	}
	isDenied := q.IsDenied
	if isDenied == nil {
		denied, err := s.readDenied()
		if err != nil {
			return Match{}, err
		}
		isDenied = func(k [32]byte) bool { return denied.keys[k] }
		if q.Now.Before(denied.at) {
			q.Now = denied.at // nobody but this machine's clock says what time it is, and it is wrong
			if entry, name, err = s.find(q); err != nil {
				return Match{}, err
			}
		}
	}
	if isDenied(sha256.Sum256(blob)) {
		return Match{}, fmt.Errorf("%w (%q)", ErrDenied, name)
	}
	return Match{Line: entry.Line(), File: name, Expires: entry.Expires}, nil
}

// find reads the account's files. One that is wrong cannot let in, and must not lock out: the next is tried, and the first mistake is
// reported if none matches.
func (s Store) find(q Query) (Entry, string, error) {
	dir, err := open(s.Root, s.Owner, s.Folder, os.O_RDONLY|syscall.O_DIRECTORY)
	if err != nil {
		return Entry{}, "", fmt.Errorf("%w: %w", ErrFolder, err)
	}
	defer dir.Close()
	if err := check(int(dir.Fd()), s.Owner, syscall.S_IFDIR); err != nil {
		return Entry{}, "", fmt.Errorf("%w: %w", ErrFolder, err)
	}
	names, err := filesOf(dir, q.Account)
	if err != nil {
		return Entry{}, "", fmt.Errorf("%w: %w", ErrFolder, err)
	}
	reason := ErrNoKey
	for _, name := range names {
		e, err := s.read(dir, name)
		if err != nil {
			if reason == ErrNoKey {
				reason = fmt.Errorf("%w; %q: %w", ErrNoKey, name, err)
			}
			continue
		}
		if e.KeyType != q.KeyType || e.Key != q.Key {
			continue
		}
		if !q.Now.Before(e.Expires) {
			reason = fmt.Errorf("%w (%q)", ErrExpired, name)
			continue
		}
		return e, name, nil
	}
	return Entry{}, "", reason
}

// filesOf lists ACCOUNT.keys and ACCOUNT@LABEL.keys.
func filesOf(dir *os.File, account string) ([]string, error) {
	all, err := dir.Readdirnames(maxFiles + 1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(all) > maxFiles {
		return nil, fmt.Errorf("more than %d files", maxFiles)
	}
	var names []string
	for _, name := range all {
		base, ok := strings.CutSuffix(name, suffix)
		owner, _, _ := strings.Cut(base, "@")
		if ok && owner == account {
			names = append(names, name)
		}
	}
	if len(names) > maxMatches {
		return nil, fmt.Errorf("more than %d files for one account", maxMatches)
	}
	slices.Sort(names)
	return names, nil
}

func (s Store) read(dir *os.File, name string) (Entry, error) {
	fd, err := openAt(int(dir.Fd()), name, os.O_RDONLY|nonBlock)
	if err != nil {
		return Entry{}, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	text, err := readAll(f, s.Owner, 2*maxLine)
	if err != nil {
		return Entry{}, err
	}
	return parseFile(string(text))
}

// parseFile finds the one line of a file.
func parseFile(text string) (Entry, error) {
	line := ""
	for l := range strings.SplitSeq(text, "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if line != "" {
			return Entry{}, fmt.Errorf("%w: more than one line", ErrLine)
		}
		line = l
	}
	return ParseLine(line)
}

// ValidAccount is docs/formats.md section 9, as state.ValidAccount, which this package cannot import and stay small.
func ValidAccount(s string) bool {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}
