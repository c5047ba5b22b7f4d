package store

import (
	"fmt"

	"dpki/internal/network"
)

// Open makes the stores of a network file. Nodes are spoken to through node,
// which is kubo.New of bundle/store/kubo; with nil they are left out, as on
// devices, which read through gateways.
func Open(places []network.Store, node func(url string) (Store, error)) (*Multi, error) {
	var stores []Store
	for _, p := range places {
		s, err := openOne(p, node)
		if err != nil {
			return nil, err
		}
		if s != nil {
			stores = append(stores, s)
		}
	}
	return NewMulti(stores...), nil
}

func openOne(p network.Store, node func(url string) (Store, error)) (Store, error) {
	switch p.Type {
	case network.Folder:
		return Folder{Path: p.Path}, nil
	case network.Gateway:
		return NewGateway(p.URL)
	case network.Sandbox:
		return NewSandbox(p.URL)
	case network.Kubo:
		if node == nil {
			return nil, nil
		}
		return node(p.URL)
	}
	return nil, fmt.Errorf("store type %.40q is not known", p.Type)
}
