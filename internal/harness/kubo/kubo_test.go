package kubo

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
)

func TestAddGet(t *testing.T) {
	n := Start(t)
	want := []byte("a sealed bundle")
	cid := n.put(t, want)
	if got := n.block(t, cid); !bytes.Equal(got, want) {
		t.Errorf("block %s = %q, want %q", cid, got, want)
	}
	n.Kill()
	n.Restart(t)
	if got := n.block(t, cid); !bytes.Equal(got, want) {
		t.Errorf("after a crash block %s = %q, want %q", cid, got, want)
	}
}

func TestPrivateSwarm(t *testing.T) {
	nodes := StartSwarm(t, 2)
	want := []byte("fetched from a peer")
	cid := nodes[0].put(t, want)
	if got := nodes[1].block(t, cid); !bytes.Equal(got, want) {
		t.Errorf("block %s from the peer = %q, want %q", cid, got, want)
	}
}

func (n *Node) put(t *testing.T, data []byte) (cid string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("data", "block")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(data)
	w.Close()
	res, err := http.Post(n.API+"/api/v0/block/put?cid-codec=raw&pin=true", w.FormDataContentType(), &body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var put struct{ Key string }
	if err := json.NewDecoder(res.Body).Decode(&put); err != nil || put.Key == "" {
		t.Fatalf("block/put: %s, %v", res.Status, err)
	}
	return put.Key
}

func (n *Node) block(t *testing.T, cid string) []byte {
	t.Helper()
	res, err := http.Post(n.API+"/api/v0/block/get?arg="+cid, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("block/get: %s, %v", res.Status, err)
	}
	return data
}
