package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"

	"dpki/admin/chainkey"
	"dpki/admin/home"
	"dpki/internal/network"
	"dpki/registry/post"
	"dpki/state"
)

type interim struct {
	c    *ethclient.Client
	from state.Address
	id   *big.Int
	open func() (*ecdsa.PrivateKey, error)
}

func (t *tool) poster(h home.Home, n network.File, account state.Address) (post.Poster, error) {
	c, err := ethclient.Dial(n.Endpoints[0])
	if err != nil {
		return nil, err
	}
	return &interim{c, account, new(big.Int).SetUint64(n.ChainID), func() (*ecdsa.PrivateKey, error) {
		s, err := t.secretsOnce()
		if err != nil {
			return nil, err
		}
		pw, err := s.chain()
		if err != nil {
			return nil, err
		}
		return chainkey.Open(h.ChainKey(), pw)
	}}, nil
}

func (p *interim) From() state.Address { return p.from }

func (p *interim) Estimate(ctx context.Context, c post.Call) (post.Estimate, error) {
	to := common.Address(c.To)
	g, err := p.c.EstimateGas(ctx, ethereum.CallMsg{From: common.Address(p.from), To: &to, Data: c.Data})
	if err != nil {
		return post.Estimate{}, err
	}
	gp, _ := p.c.SuggestGasPrice(ctx)
	b, _ := p.c.BalanceAt(ctx, common.Address(p.from), nil)
	fee := new(big.Int).Mul(gp, new(big.Int).SetUint64(g))
	return post.Estimate{Gas: g, GasPrice: gp, Fee: fee, MaxFee: fee, Balance: b}, nil
}

func (p *interim) Post(ctx context.Context, c post.Call) (post.Receipt, error) {
	e, err := p.Estimate(ctx, c)
	if err != nil {
		return post.Receipt{}, err
	}
	key, err := p.open()
	if err != nil {
		return post.Receipt{}, err
	}
	nonce, err := p.c.PendingNonceAt(ctx, common.Address(p.from))
	if err != nil {
		return post.Receipt{}, err
	}
	to := common.Address(c.To)
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(p.id), &types.DynamicFeeTx{ChainID: p.id, Nonce: nonce, To: &to, Gas: e.Gas * 5 / 4, GasFeeCap: new(big.Int).Mul(e.GasPrice, big.NewInt(3)), GasTipCap: big.NewInt(1), Data: c.Data})
	if err != nil {
		return post.Receipt{}, err
	}
	if err := p.c.SendTransaction(ctx, tx); err != nil {
		return post.Receipt{}, err
	}
	for range 300 {
		r, err := p.c.TransactionReceipt(ctx, tx.Hash())
		if err == nil {
			if r.Status != 1 {
				return post.Receipt{}, errors.New("reverted")
			}
			hd, _ := p.c.HeaderByHash(ctx, r.BlockHash)
			return post.Receipt{Tx: state.Word(tx.Hash()), Block: r.BlockNumber.Uint64(), Time: hd.Time, GasUsed: r.GasUsed, Fee: new(big.Int).Mul(r.EffectiveGasPrice, new(big.Int).SetUint64(r.GasUsed))}, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return post.Receipt{}, errors.New("timeout")
}
