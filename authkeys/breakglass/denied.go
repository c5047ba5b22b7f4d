package breakglass

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strconv"
	"strings"
	"time"

	"dpki/internal/file"
)

// ErrDeniedList says that the list of denied keys is missing or incomplete. Nobody is let in without it.
var ErrDeniedList = errors.New("the list of denied keys cannot be read")

const (
	deniedHeader = "dpki-denied 2"
	deniedAt     = "at "
	deniedEnd    = "end "
	maxDenied    = 8 << 20 // bytes: about 129,000 keys
)

// WriteDenied replaces the list at path by these keys (sha-256 of the key blob), as they are known at a time, before which the reader
// believes no clock to be: one that was set back would bring expired break-glass keys to life. A reader sees the old list or the new one. Where the
// new one cannot be written and the old one lacks a key of it, the old one goes: then nobody is let in, which is better than
// somebody who is denied.
func WriteDenied[K ~[32]byte](path string, at time.Time, keys iter.Seq[K]) error {
	err := replaceDenied(path, at, keys)
	if err != nil && !lists(path, keys) {
		if gone := os.Remove(path); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}

// lists reports whether the list at path holds all these keys.
func lists[K ~[32]byte](path string, keys iter.Seq[K]) bool {
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	denied, err := parseDenied(b)
	if err != nil {
		return false
	}
	for k := range keys {
		if !denied.keys[k] {
			return false
		}
	}
	return true
}

func replaceDenied[K ~[32]byte](path string, at time.Time, keys iter.Seq[K]) error {
	var b bytes.Buffer
	b.WriteString(deniedHeader + "\n" + deniedAt + strconv.FormatInt(max(at.Unix(), 0), 10) + "\n")
	n := 0
	for k := range keys {
		b.WriteString(hex.EncodeToString(k[:]) + "\n")
		n++
	}
	b.WriteString(deniedEnd + strconv.Itoa(n) + "\n")
	if b.Len() > maxDenied {
		return fmt.Errorf("breakglass: %d denied keys are too many", n)
	}
	// The helper, which is not root, reads it. Hashes of public keys name nobody.
	if err := file.Replace(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("breakglass: %w", err)
	}
	return nil
}

// deniedList is the daemon's list.
type deniedList struct {
	at   time.Time // no clock is right that is before it
	keys map[[32]byte]bool
}

// parseDenied reads what WriteDenied wrote. The count at the end tells a whole list from the beginning of one.
func parseDenied(b []byte) (deniedList, error) {
	lines := bytes.Split(b, []byte("\n"))
	// Header, time, end, and the empty piece after the last line end.
	if len(lines) < 4 || string(lines[0]) != deniedHeader || len(lines[len(lines)-1]) != 0 {
		return deniedList{}, ErrDeniedList
	}
	seconds, ok := strings.CutPrefix(string(lines[1]), deniedAt)
	at, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil || at < 0 || strconv.FormatInt(at, 10) != seconds {
		return deniedList{}, ErrDeniedList
	}
	keys := lines[2 : len(lines)-2]
	if string(lines[len(lines)-2]) != deniedEnd+strconv.Itoa(len(keys)) {
		return deniedList{}, ErrDeniedList
	}
	denied := deniedList{at: time.Unix(at, 0), keys: make(map[[32]byte]bool, len(keys))}
	for _, line := range keys {
		var k [32]byte
		if len(line) != hex.EncodedLen(len(k)) || bytes.ContainsAny(line, "ABCDEF") {
			return deniedList{}, ErrDeniedList
		}
		if _, err := hex.Decode(k[:], line); err != nil {
			return deniedList{}, ErrDeniedList
		}
		denied.keys[k] = true
	}
	return denied, nil
}

func (s Store) readDenied() (deniedList, error) {
	f, err := open(s.Root, s.Owner, s.Denied, os.O_RDONLY|nonBlock)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.New("it does not exist: dpkid writes it when it starts")
		}
		return deniedList{}, fmt.Errorf("%w: %w", ErrDeniedList, err)
	}
	defer f.Close()
	b, err := readAll(f, s.Owner, maxDenied)
	if err != nil {
		return deniedList{}, fmt.Errorf("%w: %w", ErrDeniedList, err)
	}
	return parseDenied(b)
}
