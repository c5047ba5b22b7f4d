package devchain

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"
)

// maxBlock is the most bytes that one raw IPFS block has here.
const maxBlock = 256 << 10

// content is a store of raw blocks in a folder, one file a CID.
type content struct {
	dir  string
	temp bool // dir is ours to delete
}

func openContent(dir string) (*content, error) {
	if dir == "" {
		d, err := os.MkdirTemp("", "devchain-content-")
		return &content{dir: d, temp: true}, err
	}
	c := &content{dir: filepath.Join(dir, "blocks")}
	return c, os.MkdirAll(c.dir, 0o700)
}

func (s *content) close() {
	if s.temp {
		os.RemoveAll(s.dir)
	}
}

// ServeHTTP takes PUT (and POST) /ipfs and serves GET (and HEAD) /ipfs/CID.
func (s *content) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/ipfs"), "/")
	switch {
	case !loopbackHost(r.Host):
		http.Error(w, "not this host", http.StatusForbidden)
	case name == "" && (r.Method == http.MethodPut || r.Method == http.MethodPost):
		s.put(w, r)
	case name != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		s.get(w, name)
	default:
		http.Error(w, "want PUT /ipfs or GET /ipfs/CID", http.StatusMethodNotAllowed)
	}
}

func (s *content) put(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxBlock+1))
	if err != nil {
		http.Error(w, "body ended early", http.StatusBadRequest)
		return
	}
	if len(b) > maxBlock {
		http.Error(w, "a block is at most 256 KiB", http.StatusRequestEntityTooLarge)
		return
	}
	digest := sha256.Sum256(b)
	multihash, err := mh.Encode(digest[:], mh.SHA2_256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	id := cid.NewCidV1(cid.Raw, multihash).String()
	if err := s.write(id, b); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, id)
}

// write puts the block in place whole: after kill -9 it is there or it is not.
func (s *content) write(id string, b []byte) error {
	f, err := os.CreateTemp(s.dir, ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, bytes.NewReader(b))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(s.dir, id))
}

func (s *content) get(w http.ResponseWriter, name string) {
	id, err := cid.Decode(name)
	if err != nil || id.Version() != 1 || id.Type() != cid.Raw {
		http.Error(w, "not the CID of a raw block", http.StatusBadRequest)
		return
	}
	b, err := os.ReadFile(filepath.Join(s.dir, id.String()))
	if err != nil {
		http.Error(w, "no such block", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.ipld.raw")
	w.Write(b)
}
