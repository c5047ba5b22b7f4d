package chainkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"dpki/contracts"
	"dpki/registry/post"
)

const (
	// maxAnswer bounds one answer of a signer, in bytes: a transaction, twice.
	maxAnswer = 4 << 20
	// patience is how long a signer may take: a person reads what it shows.
	patience = 5 * time.Minute
)

// ErrSigner says that the external signer could not be asked, refused, or holds
// another account.
var ErrSigner = errors.New("the external signer did not sign")

// Clef asks a program that speaks clef's protocol (go-ethereum, cmd/clef): it
// shows its owner what is to be signed. It is safe for concurrent use.
type Clef struct{ external External }

// Ready checks that the signer answers, before anything is begun that it would
// have to sign. It does not ask which accounts it has: its owner would be asked.
func (c *Clef) Ready(ctx context.Context) error {
	var version string
	return c.call(ctx, &version, "account_version")
}

// SignTx implements post.External, by account_signTransaction.
func (c *Clef) SignTx(ctx context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error) {
	data := hexutil.Bytes(tx.Data())
	args := map[string]any{
		"from": checksummed(common.Address(c.external.Address)), "to": receiver(tx), "gas": hexutil.Uint64(tx.Gas()), "value": (*hexutil.Big)(tx.Value()),
		"nonce": hexutil.Uint64(tx.Nonce()), "input": data, "chainId": (*hexutil.Big)(chainID),
	}
	if tx.Type() == types.LegacyTxType {
		args["gasPrice"] = (*hexutil.Big)(tx.GasPrice())
	} else {
		args["maxFeePerGas"], args["maxPriorityFeePerGas"] = (*hexutil.Big)(tx.GasFeeCap()), (*hexutil.Big)(tx.GasTipCap())
	}
	var answer struct {
		Raw hexutil.Bytes `json:"raw"`
	}
	// With the function's name its owner is shown the call taken apart.
	var function *string
	if f := contracts.Signature(tx.Data()); f != "" {
		function = &f
	}
	if err := c.call(ctx, &answer, "account_signTransaction", args, function); err != nil {
		return nil, err
	}
	signed := new(types.Transaction)
	if err := signed.UnmarshalBinary(answer.Raw); err != nil {
		return nil, fmt.Errorf("%w: its answer is no transaction", ErrSigner)
	}
	return signed, nil
}

// checksummed is EIP-55, as clef insists.
func checksummed(a common.Address) string { return a.Hex() }

func receiver(tx *types.Transaction) any {
	if tx.To() == nil {
		return nil // a deployment
	}
	return checksummed(*tx.To())
}

// SignTyped implements post.External, by account_signTypedData.
func (c *Clef) SignTyped(ctx context.Context, data []byte) ([]byte, error) {
	var signature hexutil.Bytes
	if err := c.call(ctx, &signature, "account_signTypedData", checksummed(common.Address(c.external.Address)), json.RawMessage(data)); err != nil {
		return nil, err
	}
	return signature, nil
}

// call makes one connection for one question: a signer may be started again
// between two of them.
func (c *Clef) call(ctx context.Context, result any, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := c.dial(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	defer client.Close()
	if err := client.CallContext(ctx, result, method, args...); err != nil {
		return fmt.Errorf("%w: %.200s", ErrSigner, err)
	}
	return nil
}

func (c *Clef) dial(ctx context.Context) (*rpc.Client, error) {
	path, ok := strings.CutPrefix(c.external.URL, "unix:")
	if !ok {
		return rpc.DialOptions(ctx, c.external.URL, rpc.WithHTTPClient(&http.Client{
			Timeout: patience, Transport: post.Bounded(&http.Transport{Proxy: nil}, maxAnswer),
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirect refused") },
		}))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// Another user's socket would be told what this one enters, and could alter it
	// before its owner looks.
	if s, ok := info.Sys().(*syscall.Stat_t); !ok || info.Mode()&os.ModeSocket == 0 || s.Uid != uint32(os.Geteuid()) && s.Uid != 0 {
		return nil, fmt.Errorf("%s is not this user's socket", path)
	}
	return rpc.DialIPC(ctx, path)
}
