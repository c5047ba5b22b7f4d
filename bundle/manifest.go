package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/ssh"

	"dpki/internal/sshsig"
)

// Manifest (docs/formats.md section 6):
//
//	enrolment request, one a line, as Marshal writes it ...
//	SSHSIG over all the lines before it, armoured
const (
	// ManifestNamespace keeps a vendor's signatures apart from those of every other use of SSHSIG.
	ManifestNamespace = "dpki-vendor"
	// MaxManifest is the most requests of one manifest.
	MaxManifest = 50_000
)

// ErrVendor: the manifest is not, or not as it lies here, signed by the vendor.
var ErrVendor = errors.New("not signed by the vendor")

// ManifestWriter writes requests as they come, then the signature.
type ManifestWriter struct {
	to    io.Writer
	lines int
	hash  hash.Hash
}

// NewManifest begins a manifest.
func NewManifest(to io.Writer) *ManifestWriter {
	return &ManifestWriter{to: to, hash: sha512.New()}
}

// Add writes one request.
func (w *ManifestWriter) Add(r *Request) error {
	if w.lines++; w.lines > MaxManifest {
		return fmt.Errorf("manifest of more than %d requests: %w", MaxManifest, ErrTooLarge)
	}
	b, err := r.Marshal()
	if err != nil {
		return err
	}
	w.hash.Write(b)
	_, err = w.to.Write(b)
	return err
}

// Sign ends the manifest.
func (w *ManifestWriter) Sign(vendor ssh.Signer) error {
	if w.lines == 0 {
		return malformed("manifest without requests")
	}
	s, err := sshsig.SignDigest(vendor, ManifestNamespace, sshsig.Digest(w.hash.Sum(nil)))
	if err != nil {
		return err
	}
	_, err = w.to.Write(s.Armor())
	return err
}

// ReadManifest hands over each line's request, or what is wrong with it, as it
// comes. Nothing of it may be used unless the end is nil: who signed, and that
// nothing was altered, shows at the end alone. An error of each ends it.
func ReadManifest(from io.Reader, vendor ssh.PublicKey, each func(line int, r *Request, bad error) error) error {
	lines, sum := bufio.NewReaderSize(from, MaxRequest+1), sha512.New()
	for line := 1; ; line++ {
		text, bad := nextLine(lines, sum)
		switch {
		case errors.Is(bad, io.EOF):
			return fmt.Errorf("manifest without a signature: %w", ErrVendor)
		case bad != nil && !errors.Is(bad, ErrTooLarge):
			return bad
		case string(text) == sshsig.Begin+"\n" && line > 1:
			return checkManifest(lines, vendor, sshsig.Digest(sum.Sum(nil)))
		case line > MaxManifest:
			return fmt.Errorf("manifest of more than %d requests: %w", MaxManifest, ErrTooLarge)
		}
		var r *Request
		if bad == nil {
			sum.Write(text)
			r, bad = parseLine(text)
		}
		if err := each(line, r, bad); err != nil {
			return err
		}
	}
}

// endlessLine is how many bytes of one line are passed over at most: a device that
// never ends a line is not read for ever.
const endlessLine = 64 * MaxRequest

// nextLine gives one line with its end. One that is too long is passed over as a
// whole, into the digest only.
func nextLine(from *bufio.Reader, sum io.Writer) ([]byte, error) {
	text, err := from.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		if err == nil && len(text) > MaxRequest {
			sum.Write(text)
			return nil, fmt.Errorf("line of more than %d bytes: %w", MaxRequest, ErrTooLarge)
		}
		return text, err
	}
	for passed := len(text); errors.Is(err, bufio.ErrBufferFull); passed += len(text) {
		if passed > endlessLine {
			return nil, fmt.Errorf("manifest with a line of more than %d bytes: %w", endlessLine, ErrVendor)
		}
		sum.Write(text)
		text, err = from.ReadSlice('\n')
	}
	sum.Write(text)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("line of more than %d bytes: %w", MaxRequest, ErrTooLarge)
}

// parseLine takes the one form that Marshal writes: a line has one spelling.
func parseLine(text []byte) (*Request, error) {
	r, err := ParseRequest(text)
	if err != nil {
		return nil, err
	}
	if again, err := r.Marshal(); err != nil || !bytes.Equal(again, text) {
		return nil, malformed("enrolment request of %q: not as it was made", r.Name)
	}
	return r, nil
}

func checkManifest(rest io.Reader, vendor ssh.PublicKey, digest sshsig.Digest) error {
	text := []byte(sshsig.Begin + "\n")
	more, err := io.ReadAll(io.LimitReader(rest, sshsig.MaxArmored))
	if err != nil {
		return err
	}
	s, err := sshsig.ParseArmored(append(text, more...))
	if err == nil {
		err = s.VerifyDigest(ManifestNamespace, digest)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrVendor, err)
	case !bytes.Equal(s.Key.Blob, vendor.Marshal()):
		return fmt.Errorf("by %s, not by %s: %w", ssh.FingerprintSHA256(s.Key.Public), ssh.FingerprintSHA256(vendor), ErrVendor)
	}
	return nil
}
