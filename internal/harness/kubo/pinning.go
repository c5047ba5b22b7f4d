package kubo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ipfs/boxo/pinning/remote/client/openapi"
)

// Pinning is a test server of the IPFS Pinning Service API 1.0 in front of a
// node: what it is told to keep is pinned on that node, which fetches it from its
// swarm. kubo itself speaks the client's side of the API alone.
type Pinning struct {
	URL, Token string

	node   *Node
	client http.Client
	mu     sync.Mutex
	orders []openapi.PinStatus
}

// StartPinning serves the API for a node until the test ends.
func StartPinning(t testing.TB, n *Node) *Pinning {
	t.Helper()
	p := &Pinning{Token: rand.Text(), node: n, client: http.Client{Timeout: 20 * time.Second}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /psa/pins", p.list)
	mux.HandleFunc("POST /psa/pins", p.add)
	mux.HandleFunc("GET /psa/pins/{id}", p.show)
	mux.HandleFunc("DELETE /psa/pins/{id}", p.remove)
	var work sync.WaitGroup
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		work.Add(1)
		defer work.Done()
		if r.Header.Get("Authorization") != "Bearer "+p.Token {
			refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.Close(); work.Wait() })
	p.URL = s.URL + "/psa"
	return p
}

// Orders are the CIDs that are ordered, and what has become of each.
func (p *Pinning) Orders() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[string]string{}
	for _, o := range p.orders {
		all[o.Pin.Cid] = string(o.Status)
	}
	return all
}

func (p *Pinning) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	states := q.Get("status")
	if states == "" {
		states = string(openapi.PINNED)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found := openapi.PinResults{Results: []openapi.PinStatus{}}
	for _, o := range p.orders {
		if within(q.Get("cid"), o.Pin.Cid) && within(states, string(o.Status)) {
			found.Results = append(found.Results, o)
			found.Count++
		}
	}
	answer(w, http.StatusOK, found)
}

// within reports whether a list with commas, where there is one, holds a word.
func within(list, word string) bool {
	return list == "" || strings.Contains(","+list+",", ","+word+",")
}

func (p *Pinning) add(w http.ResponseWriter, r *http.Request) {
	var pin openapi.Pin
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&pin); err != nil || pin.Cid == "" {
		refuse(w, http.StatusBadRequest, "BAD_REQUEST")
		return
	}
	for _, origin := range pin.GetOrigins() {
		p.rpc("swarm/connect", origin) // one of them may do
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	o := openapi.PinStatus{Requestid: rand.Text(), Status: openapi.PINNED, Created: time.Now(), Pin: pin, Delegates: []string{}}
	if err := p.rpc("pin/add", pin.Cid); err != nil {
		o.Status = openapi.FAILED
	}
	p.orders = append(p.orders, o)
	answer(w, http.StatusAccepted, o)
}

func (p *Pinning) show(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.orders {
		if o.Requestid == r.PathValue("id") {
			answer(w, http.StatusOK, o)
			return
		}
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND")
}

func (p *Pinning) remove(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, o := range p.orders {
		if o.Requestid != r.PathValue("id") {
			continue
		}
		p.rpc("pin/rm", o.Pin.Cid) // it may be one that failed
		p.orders = append(p.orders[:i:i], p.orders[i+1:]...)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	refuse(w, http.StatusNotFound, "NOT_FOUND")
}

// rpc calls the node.
func (p *Pinning) rpc(command, arg string) error {
	res, err := p.client.Post(p.node.API+"/api/v0/"+command+"?"+url.Values{"arg": {arg}}.Encode(), "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s, %v", command, res.Status, err)
	}
	return nil
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, reason string) {
	answer(w, status, openapi.Failure{Error: openapi.FailureError{Reason: reason}})
}
