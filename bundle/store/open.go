package store

import (
	"fmt"

	"dpki/internal/network"
)

// Own are the places that administrators alone use, by what speaks to them. Where
// one is nil, those places are left out, as on devices, which read through gateways.
type Own struct {
	Node    func(url string) (Store, error)  // kubo.Open of bundle/store/kubo
	Pinning func(url string) (Pinner, error) // pinning.Open of bundle/store/pinning, with its token
}

// Open makes the stores of a network file.
func Open(places []network.Store, own Own) (*Multi, error) {
	m := NewMulti()
	for _, p := range places {
		if err := m.open(p, own); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Multi) open(p network.Store, own Own) error {
	var s Store
	var err error
	switch p.Type {
	case network.Folder:
		s = Folder{Path: p.Path}
	case network.Gateway:
		s, err = NewGateway(p.URL)
	case network.Sandbox:
		s, err = NewSandbox(p.URL)
	case network.Kubo:
		if own.Node == nil {
			return nil
		}
		s, err = own.Node(p.URL)
	case network.Pinning:
		if own.Pinning == nil {
			return nil
		}
		pinner, err := own.Pinning(p.URL)
		if err == nil {
			m.Pinners = append(m.Pinners, pinner)
		}
		return err
	default:
		err = fmt.Errorf("store type %.40q is not known", p.Type)
	}
	if err == nil {
		m.stores = append(m.stores, s)
	}
	return err
}
