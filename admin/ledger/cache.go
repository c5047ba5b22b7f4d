package ledger

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"dpki/admin/home"
	"dpki/registry/verify"
	"dpki/state"
)

// maxCache bounds the cache file, in bytes: two million entries.
const maxCache = 1 << 30

// cacheFile is the file form. Entries are in the form of docs/formats.md
// section 2.
type cacheFile struct {
	Version  int           `json:"version"`
	Registry string        `json:"registry"` // chain and contract that it was read from
	Org      state.Word    `json:"org"`
	Head     verify.Head   `json:"head"`
	Scopes   []cachedScope `json:"scopes"`
}

type cachedScope struct {
	Scope     state.Word `json:"scope"`
	Base      state.Tip  `json:"base"`
	Confirmed state.Tip  `json:"confirmed"`
	Through   uint64     `json:"through"`
	Entries   [][]byte   `json:"entries"`
	Overlay   [][]byte   `json:"overlay"`
	Sticky    [][]byte   `json:"sticky"`
}

func registryText(c verify.Config) string {
	return fmt.Sprintf("%d:%s", c.Registry.ChainID, c.Registry.Contract)
}

func save(path string, config verify.Config, known verify.Known, confirmed map[state.Word][]state.Entry) error {
	f := cacheFile{Version: 1, Registry: registryText(config), Org: config.Org, Head: known.Head}
	for scope, log := range known.Scopes {
		s := cachedScope{Scope: scope, Base: log.Base, Confirmed: log.Confirmed, Through: log.Through}
		for _, part := range []struct {
			to   *[][]byte
			from []state.Entry
		}{{&s.Entries, confirmed[scope]}, {&s.Overlay, log.Overlay}, {&s.Sticky, log.Sticky}} {
			for i := range part.from {
				b, err := part.from[i].Marshal()
				if err != nil {
					return err
				}
				*part.to = append(*part.to, b)
			}
		}
		f.Scopes = append(f.Scopes, s)
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := home.Make(filepath.Dir(path)); err != nil {
		return err
	}
	return home.Replace(path, b)
}

// load reads the cache. One that is absent, damaged or of another organisation
// is an empty one: the chain is the truth.
func load(path string, config verify.Config) (verify.Known, map[state.Word][]state.Entry) {
	empty := map[state.Word][]state.Entry{}
	b, err := home.Read(path, maxCache)
	if err != nil {
		return verify.Known{}, empty
	}
	var f cacheFile
	if json.Unmarshal(b, &f) != nil || f.Version != 1 || f.Registry != registryText(config) || f.Org != config.Org {
		return verify.Known{}, empty
	}
	known := verify.Known{Head: f.Head, Scopes: map[state.Word]verify.ScopeLog{}}
	confirmed := map[state.Word][]state.Entry{}
	for _, s := range f.Scopes {
		entries, ok := parseEntries(s.Entries)
		overlay, ok2 := parseEntries(s.Overlay)
		sticky, ok3 := parseEntries(s.Sticky)
		if !ok || !ok2 || !ok3 || !replays(s.Base, s.Confirmed, entries) {
			return verify.Known{}, empty
		}
		known.Scopes[s.Scope] = verify.ScopeLog{Base: s.Base, Confirmed: s.Confirmed, Through: s.Through, Overlay: overlay, Sticky: sticky}
		confirmed[s.Scope] = entries
	}
	return known, confirmed
}

// replays checks that the entries lead from base to tip.
func replays(base, tip state.Tip, entries []state.Entry) bool {
	t := base
	for i := range entries {
		var err error
		if t, err = t.Append(&entries[i]); err != nil {
			return false
		}
	}
	return t == tip
}

func parseEntries(list [][]byte) ([]state.Entry, bool) {
	var out []state.Entry
	for _, b := range list {
		e, err := state.ParseEntry(b)
		if err != nil {
			return nil, false
		}
		out = append(out, *e)
	}
	return out, true
}
