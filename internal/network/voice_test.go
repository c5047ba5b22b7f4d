package network

import (
	"errors"
	"testing"
)

// One host must not agree with itself, however often and in whatever spelling it
// is listed.
func TestOneVoice(t *testing.T) {
	for url, want := range map[string]string{
		"https://rpc.example": "rpc.example:443", "https://rpc.example/": "rpc.example:443", "wss://RPC.example.:443/v3/key": "rpc.example:443",
		"http://rpc.example": "rpc.example:80", "ws://127.0.0.1:8546": "127.0.0.1:8546", "http://[::1]:8545/": "[::1]:8545",
	} {
		if got := Voice(url); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
	two := 2
	for _, row := range []struct {
		urls []string
		ok   bool
	}{
		{[]string{"https://rpc.example", "https://rpc.example/"}, false},
		{[]string{"https://rpc.example/v3/one", "wss://rpc.example/v3/two"}, false},
		{[]string{"https://rpc.example", "https://rpc.example.org"}, true}, // the twin
	} {
		version, contract := Version, ContractVersion
		raw := file{Version: &version, Name: "test", ChainID: 1, Contract: "0x1111111111111111111111111111111111111111", ContractVersion: &contract,
			Agree: &two, FeeModel: string(EIP1559)}
		for _, u := range row.urls {
			raw.Endpoints = append(raw.Endpoints, place{u})
		}
		if _, err := raw.check(); (err == nil) != row.ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v, want accepted %v", row.urls, err, row.ok)
		}
	}
}
