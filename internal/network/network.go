package network

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"dpki/registry/witness"
	"dpki/state"

	"github.com/pelletier/go-toml/v2"
)

// MaxSize bounds a network file, in bytes.
const MaxSize = 64 << 10

// MaxPlaces bounds each of the lists of endpoints, mirrors and stores.
const MaxPlaces = 32

// Version and ContractVersion are what this build speaks.
const (
	Version         = 1
	ContractVersion = 1
)

// ErrInvalid says that a text is not a network file of this version.
var ErrInvalid = errors.New("not a valid network file")

// File is a network file, checked.
type File struct {
	Name        string // 1 to 63 of a-z 0-9 . _ -, for people
	ChainID     uint64
	Contract    state.Address
	DeployBlock uint64
	Agree       int // endpoints that must say the same, at least 1
	FeeModel    FeeModel
	Endpoints   []string // URLs: http, https, ws, wss
	Mirrors     []string // URLs: http, https
	Stores      []Store
	// Witnesses of whom WitnessAgree must have signed a block. WitnessVersion is
	// 0 where the file says nothing about witnesses; a file that takes them away
	// has a version and no witness.
	Witnesses      []Witness
	WitnessAgree   int
	WitnessVersion uint32
	Rotations      []*witness.Rotation // that lead from earlier sets to this one
}

// Registry is where the file's contract stands.
func (f File) Registry() state.Registry {
	return state.Registry{ChainID: f.ChainID, Contract: f.Contract}
}

// FeeModel says how a transaction's cost is estimated.
type FeeModel string

// The fee models. OPStack adds the L1 data fee to EIP1559's.
const (
	EIP1559 FeeModel = "eip1559"
	OPStack FeeModel = "op-stack"
	Legacy  FeeModel = "legacy"
)

// StoreType says how a store is spoken to.
type StoreType string

// The store types. A folder has a path, the others a URL.
const (
	Folder  StoreType = "folder"
	Gateway StoreType = "gateway"
	Kubo    StoreType = "kubo"
	Sandbox StoreType = "sandbox"
	Pinning StoreType = "pinning"
)

// Store is one place for content.
type Store struct {
	Type StoreType
	URL  string // http or https; empty for a folder
	Path string // absolute; of a folder only
}

// file is the TOML form. Pointers tell an absent field from a zero.
type file struct {
	Version         *int    `toml:"version"`
	Name            string  `toml:"name"`
	ChainID         uint64  `toml:"chain_id"`
	Contract        string  `toml:"contract"`
	ContractVersion *int    `toml:"contract_version"`
	DeployBlock     uint64  `toml:"deploy_block"`
	Agree           *int    `toml:"agree,omitempty"`
	FeeModel        string  `toml:"fee_model"`
	Endpoints       []place `toml:"endpoint,omitempty"`
	Mirrors         []place `toml:"mirror,omitempty"`
	Stores          []store `toml:"store,omitempty"`

	Set       *witnesses   `toml:"witnesses,omitempty"`
	Witnesses []oneWitness `toml:"witness,omitempty"`
}

type place struct {
	URL string `toml:"url"`
}

type store struct {
	Type string `toml:"type"`
	URL  string `toml:"url,omitempty"`
	Path string `toml:"path,omitempty"`
}

// Load reads and parses a file.
func Load(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	b := make([]byte, MaxSize+1)
	n := 0
	for n < len(b) {
		m, err := f.Read(b[n:])
		n += m
		if err != nil {
			break
		}
	}
	parsed, err := Parse(b[:n])
	if err != nil {
		return File{}, fmt.Errorf("%s: %w", path, err)
	}
	return parsed, nil
}

// Parse checks a network file's text.
func Parse(text []byte) (File, error) {
	if len(text) > MaxSize {
		return File{}, invalid("longer than %d bytes", MaxSize)
	}
	var raw file
	d := toml.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		var unknown *toml.StrictMissingError
		if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
			return File{}, invalid("unknown field %q", unknown.Errors[0].Key())
		}
		return File{}, invalid("%v", err)
	}
	return raw.check()
}

// Marshal is the file's text.
func (f File) Marshal() ([]byte, error) {
	version, contract := Version, ContractVersion
	raw := file{Version: &version, Name: f.Name, ChainID: f.ChainID, Contract: f.Contract.String(),
		ContractVersion: &contract, DeployBlock: f.DeployBlock, Agree: &f.Agree, FeeModel: string(f.FeeModel)}
	for _, u := range f.Endpoints {
		raw.Endpoints = append(raw.Endpoints, place{u})
	}
	for _, u := range f.Mirrors {
		raw.Mirrors = append(raw.Mirrors, place{u})
	}
	for _, s := range f.Stores {
		raw.Stores = append(raw.Stores, store{string(s.Type), s.URL, s.Path})
	}
	if err := f.marshalWitnesses(&raw); err != nil {
		return nil, err
	}
	if _, err := raw.check(); err != nil {
		return nil, err
	}
	return toml.Marshal(raw)
}

// ForDevices is the file as devices are told of it: pinning services are the
// administrators' alone.
func (f File) ForDevices() File {
	f.Stores = slices.DeleteFunc(slices.Clone(f.Stores), func(s Store) bool { return s.Type == Pinning })
	return f
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
