package signer

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"dpki/registry/route"
	"dpki/registry/witness"
)

// maxAge is how long a cache may keep a checkpoint: a moment longer, and readers
// wait for the next.
const maxAge = time.Second

// Newest is the newest checkpoint of a witness, for readers of HTTP: it answers
// GET at the place where a mirror does (package route), and nothing else.
type Newest struct {
	Key witness.Key

	mu sync.Mutex
	b  []byte // replaced, never altered
}

// Set replaces the checkpoint.
func (n *Newest) Set(checkpoint []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.b = checkpoint
}

func (n *Newest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "a checkpoint is read with GET", http.StatusMethodNotAllowed)
		return
	}
	n.mu.Lock()
	b := n.b
	n.mu.Unlock()
	if r.URL.Path != (route.Witness{Name: n.Key.String()}).Path() || b == nil {
		http.Error(w, "no such checkpoint", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge/time.Second)))
	w.Write(b) // HEAD's is dropped by the server
}
