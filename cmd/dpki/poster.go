package main

import (
	"crypto/ecdsa"
	"sync"

	"dpki/admin"
	"dpki/admin/chainkey"
	"dpki/admin/home"
	"dpki/internal/network"
	"dpki/registry/post"
	"dpki/state"
)

// poster writes to the chain with the admin's key, which is opened when it is
// needed first, and once. unlock opens it early.
func (t *tool) poster(h home.Home, n network.File, account state.Address) (p post.Poster, unlock func() error, err error) {
	open := sync.OnceValues(func() (*ecdsa.PrivateKey, error) {
		s, err := t.secretsOnce()
		if err != nil {
			return nil, err
		}
		secret, err := s.chain()
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		return chainkey.Open(h.ChainKey(), secret)
	})
	by := post.Account{Address: account, Open: open}
	unlock = func() error {
		_, err := open()
		return err
	}
	where, err := chainkey.Where(h.ChainKey())
	if err == nil && where.URL != "" {
		by.Open = nil
		var s chainkey.Signer
		if s, err = where.Signer(); err == nil {
			by.External, unlock = s, func() error { return s.Ready(t.ctx) }
		}
	}
	if err != nil {
		return nil, nil, &admin.Problem{Class: admin.Usage, Text: "nobody can sign for this account", Hint: "dpki identity show names the signer", Err: err}
	}
	p, err = post.New(post.Config{Endpoints: n.Endpoints, ChainID: n.ChainID, FeeModel: n.FeeModel, Account: by})
	if err != nil {
		return nil, nil, &admin.Problem{Class: admin.Usage, Text: "the network file names an endpoint that cannot be used", Hint: "dpki network show", Err: err}
	}
	return p, unlock, nil
}
