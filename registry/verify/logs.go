package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dpki/registry"
	"dpki/state"
)

// ScopedEntry is an entry and the scope whose log it belongs to.
type ScopedEntry struct {
	Scope state.Word
	Entry state.Entry
}

// ParseLogs parses an eth_getLogs result. Every log must be an Appended event
// of the contract and organisation; one of another address, or marked removed,
// is an error: it was not asked for. Whether the entries are all, in order and
// unaltered is for the running hash to say. Its error wraps ErrLogs.
func ParseLogs(raw []byte, contract state.Address, org state.Word) ([]ScopedEntry, error) {
	if err := bounded(raw, registry.MaxLogs); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogs, err)
	}
	entries, err := parseLogs(raw, contract, org)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogs, err)
	}
	return entries, nil
}

func parseLogs(raw []byte, contract state.Address, org state.Word) ([]ScopedEntry, error) {
	// One log after the other, so that the parsed JSON is never whole in memory.
	d := json.NewDecoder(bytes.NewReader(raw))
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		return nil, errors.New("not a JSON array")
	}
	var entries []ScopedEntry
	for d.More() {
		var l rpcLog
		if err := d.Decode(&l); err != nil {
			return nil, err
		}
		e, err := l.entry(contract, org)
		if err != nil {
			return nil, fmt.Errorf("log %d: %w", len(entries), err)
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("trailing data")
	}
	return entries, nil
}

type rpcLog struct {
	Address     string   `json:"address"`
	Topics      []string `json:"topics"`
	Data        string   `json:"data"`
	BlockNumber string   `json:"blockNumber"`
	Removed     bool     `json:"removed"`
}

func (l *rpcLog) entry(contract state.Address, org state.Word) (ScopedEntry, error) {
	if l.Removed {
		return ScopedEntry{}, errors.New("removed")
	}
	if a, err := decodeAddress(l.Address); err != nil || a != contract {
		return ScopedEntry{}, fmt.Errorf("of address %.80q", l.Address)
	}
	block, err := decodeQuantity(l.BlockNumber)
	if err != nil {
		return ScopedEntry{}, fmt.Errorf("block number %.80q: %w", l.BlockNumber, err)
	}
	data, err := decodeData(l.Data, state.MaxEventData)
	if err != nil {
		return ScopedEntry{}, fmt.Errorf("data: %w", err)
	}
	if len(l.Topics) > 4 {
		return ScopedEntry{}, fmt.Errorf("%d topics", len(l.Topics))
	}
	topics := make([]state.Word, len(l.Topics))
	for i, t := range l.Topics {
		if topics[i], err = decodeWord(t); err != nil {
			return ScopedEntry{}, fmt.Errorf("topic %.80q: %w", t, err)
		}
	}
	of, scope, e, err := state.DecodeLog(topics, data, block)
	if err != nil {
		return ScopedEntry{}, err
	}
	if of != org {
		return ScopedEntry{}, fmt.Errorf("of organisation %s", of)
	}
	return ScopedEntry{Scope: scope, Entry: *e}, nil
}
