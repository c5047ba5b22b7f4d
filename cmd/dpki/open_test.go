package main

import (
	"slices"
	"strings"
	"testing"

	"dpki/internal/network"
)

// An access key in an endpoint's path, query or user part is in no message; two
// of one host are told apart all the same.
func TestEndpointsAreNamedWithoutTheirKeys(t *testing.T) {
	n := network.File{Endpoints: []string{
		"https://rpc.example/v2/KEY", "https://rpc.example/v2/ANOTHER-KEY", "https://user:KEY@other.example:8545/?apikey=KEY", "wss://rpc.example/v2/KEY",
	}}
	list, err := endpoints(n)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	want := []string{"https://rpc.example", "https://rpc.example (2)", "https://other.example:8545", "wss://rpc.example"}
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
}

func TestEndpointThatCannotBeUsed(t *testing.T) {
	_, err := endpoints(network.File{Endpoints: []string{"ftp://rpc.example/KEY"}})
	if err == nil || strings.Contains(err.Error(), "KEY") {
		t.Errorf("got %v, want an error without the key", err)
	}
}
