package main

import (
	"bytes"
	"context"
	"fmt"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle/store"
	"dpki/bundle/store/kubo"
	"dpki/bundle/store/pinning"
	"dpki/internal/file"
	"dpki/internal/network"
)

// openStores opens a network's stores as their administrator uses them: pinning
// services with the tokens that config.toml leads to.
func openStores(h home.Home, n network.File) (*store.Multi, error) {
	c, err := h.Load()
	if err != nil {
		return nil, err
	}
	own := store.Own{Node: kubo.Open}
	own.Pinning = func(url string) (store.Pinner, error) {
		token, err := pinningToken(c, url)
		if err != nil {
			return nil, err
		}
		return pinning.New(url, token, addressesOf(n))
	}
	stores, err := store.Open(n.Stores, own)
	if err != nil {
		return nil, &admin.Problem{Class: admin.Usage, Text: "the network file names a store that cannot be used", Hint: "dpki network show; of a pinning service: dpki store token URL FILE", Err: err}
	}
	return stores, nil
}

// pinningToken reads the token for a service.
func pinningToken(c home.Config, url string) (string, error) {
	for _, p := range c.Pinning {
		if p.URL != url {
			continue
		}
		token, err := file.ReadSecret(p.TokenFile, pinning.MaxToken, file.FollowLinks)
		if err != nil {
			return "", fmt.Errorf("the token of pinning service %s: %w", url, err)
		}
		return string(bytes.TrimSpace(token)), nil
	}
	return "", fmt.Errorf("pinning service %s: no token is known here", url)
}

// addressesOf asks the network's own nodes where a pinning service can fetch from
// them.
func addressesOf(n network.File) func(context.Context) []string {
	return func(ctx context.Context) []string {
		var all []string
		for _, s := range n.Stores {
			if s.Type != network.Kubo {
				continue
			}
			if node, err := kubo.New(s.URL); err == nil {
				all = append(all, node.Addresses(ctx)...)
			}
		}
		return all
	}
}
