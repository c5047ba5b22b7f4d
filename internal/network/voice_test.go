package network

import (
	"errors"
	"fmt"
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
		urls    []string
		mirrors int
		ok      bool
	}{
		{[]string{"https://rpc.example", "https://rpc.example/"}, 0, false},
		{[]string{"https://rpc.example/v3/one", "wss://rpc.example/v3/two"}, 0, false},
		{[]string{"https://rpc.example", "https://rpc.example.org"}, 0, true}, // the twin
		{nil, 2, false}, // all mirrors are one
		{[]string{"https://rpc.example"}, 1, true}, // the twin
		{[]string{"https://rpc.example"}, 2, true}, // no more than that
	} {
		version, contract := Version, ContractVersion
		raw := file{Version: &version, Name: "test", ChainID: 1, Contract: "0x1111111111111111111111111111111111111111", ContractVersion: &contract,
			Agree: &two, FeeModel: string(EIP1559)}
		for _, u := range row.urls {
			raw.Endpoints = append(raw.Endpoints, place{u})
		}
		for i := range row.mirrors {
			raw.Mirrors = append(raw.Mirrors, place{fmt.Sprintf("https://mirror-%d.example", i)})
		}
		if _, err := raw.check(); (err == nil) != row.ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%v: %v, want accepted %v", row.urls, err, row.ok)
		}
	}
}

func TestHost(t *testing.T) {
	for url, want := range map[string]string{
		"https://rpc.example/v1/secret?key=secret": "rpc.example", "ws://user:secret@127.0.0.1:8545": "127.0.0.1:8545", "": "?", "://secret": "?",
	} {
		if got := Host(url); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
}
