package post

import (
	"bytes"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"testing"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/network"
)

// dear is an endpoint that is honest but for what a gas costs.
func dear(t *testing.T, chain *devchain.Chain, price string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var asked struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.Unmarshal(body, &asked); err == nil && (asked.Method == "eth_maxPriorityFeePerGas" || asked.Method == "eth_gasPrice") {
			_ = json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": asked.ID, "result": price})
			return
		}
		res, err := http.Post(chain.HTTP, "application/json", bytes.NewReader(body))
		if err != nil {
			return
		}
		defer res.Body.Close()
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// An endpoint that names a price which takes all that the account has is overruled
// by others; where it is the only one, it is believed.
func TestAttackPriceOfOneEndpoint(t *testing.T) {
	chain := devchain.New(t, devchain.Options{MaxDrift: -1})
	const price = "0x38d7ea4c68000" // 10^15 wei a gas
	liar, free := dear(t, chain, price), dear(t, chain, "0x0")
	call := Call{To: chain.Contract, Data: contracts.PackCreate(random())}
	lie, _ := new(big.Int).SetString(price[2:], 16)
	for name, row := range map[string]struct {
		endpoints []string
		lies      bool
	}{
		"it alone":                    {[]string{liar}, true},
		"it alone, by two ways":       {[]string{liar, liar + "/2"}, true},
		"another one beside it":       {[]string{liar, chain.HTTP}, false},
		"another one before it":       {[]string{chain.HTTP, liar}, false},
		"by two ways, and another":    {[]string{liar, liar + "/2", chain.HTTP}, false},
		"one that lies the other way": {[]string{free, liar, chain.HTTP}, false},
		"one that does not answer":    {[]string{"http://127.0.0.1:1", liar, chain.HTTP}, false},
	} {
		for _, model := range []network.FeeModel{network.EIP1559, network.Legacy} {
			e, err := clientOf(t, chain, func(c *Config) { c.Endpoints, c.FeeModel = row.endpoints, model }).Estimate(t.Context(), call)
			if err != nil {
				t.Errorf("%s, %s: %v", name, model, err)
				continue
			}
			if lies := e.GasPrice.Cmp(lie) >= 0; lies != row.lies {
				t.Errorf("%s, %s: %s wei a gas", name, model, e.GasPrice)
			}
			if name == "one that lies the other way" && e.GasPrice.Sign() == 0 {
				t.Errorf("%s: nothing is offered", model)
			}
		}
	}
}
