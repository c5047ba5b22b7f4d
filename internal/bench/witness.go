package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"fmt"
	"net/http/httptest"

	"dpki/internal/devchain"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/registry/witness/signer"
)

// signing is three witnesses of a chain, each served by itself.
type signing struct {
	signers []*signer.Signer
	clients []*source.Mirror
	all     []verify.Witness
	places  []*proxy
}

func startWitnesses(s *stage, chain *devchain.Chain, secure *tls.Config) *signing {
	w := &signing{}
	for i := range 3 {
		private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
		node, err := source.Dial(chain.HTTP)
		s.must(err)
		s.Cleanup(node.Close)
		newest := &signer.Newest{Key: witness.KeyOf(private)}
		server := httptest.NewServer(newest)
		s.Cleanup(server.Close)
		place := startProxy(s, server.URL, secure)
		client, err := source.DialMirror("https://" + place.addr)
		s.must(err)
		w.signers = append(w.signers, signer.New(signer.Config{
			Node: node, ChainID: chain.Registry().ChainID, Key: private,
			Serve: newest.Set,
		}))
		w.all = append(w.all, verify.Witness{Name: fmt.Sprintf("witness %d", i+1), Key: newest.Key, Places: []verify.CheckpointSource{client}})
		w.clients, w.places = append(w.clients, client), append(w.places, place)
	}
	return w
}

// look makes each sign the newest block.
func (w *signing) look(s *stage) {
	for _, each := range w.signers {
		s.must(each.Once(s.Context()).Err)
	}
}

// close drops the connections of a look.
func (w *signing) close() {
	for i, c := range w.clients {
		c.Close()
		w.places[i].hangUp()
	}
}
