package device

import (
	"context"
	"fmt"

	"dpki/bundle"
	"dpki/device/pipe"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// Chain asks one of the configured endpoints, by number. Nothing in an answer
// is trusted; errors are *registry.Failure.
type Chain interface {
	Head(ctx context.Context, endpoint int, q registry.HeadQuery) (registry.HeadReply, error)
	Logs(ctx context.Context, endpoint int, q registry.LogQuery) ([]byte, error)
	Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error)
}

// Fetcher is the process that has the network. Supervisor is the one that
// survives its failures.
type Fetcher interface {
	Chain
	bundle.Getter
	// Configure replaces the places. It does not fail: a fetcher that is not
	// there now is told when it is.
	Configure(places []pipe.Place)
	// Segment reads a log segment from one of the archives, by number.
	Segment(ctx context.Context, archive int, scope state.Word, index uint64) ([]byte, error)
	// Receipt hands a receipt to all mirrors; it fails if none took it.
	Receipt(ctx context.Context, key state.Word, receipt []byte) error
	// Checkpoint reads a witness's newest checkpoint from one of the places that
	// may have it, by number.
	Checkpoint(ctx context.Context, place int, key witness.Key) ([]byte, error)
	// Watch asks for hints, or for none.
	Watch(on bool)
	Hints() <-chan struct{}
}

// endpoint is one endpoint as the reader sees it.
type endpoint struct {
	chain Chain
	index int
}

func (e endpoint) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	return e.chain.Head(ctx, e.index, q)
}

func (e endpoint) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	return e.chain.Logs(ctx, e.index, q)
}

func (e endpoint) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	return e.chain.Headers(ctx, e.index, numbers)
}

// archive is one archive as the reader sees it.
type archive struct {
	fetcher Fetcher
	index   int
}

func (a archive) Segment(ctx context.Context, scope state.Word, index uint64) ([]byte, error) {
	return a.fetcher.Segment(ctx, a.index, scope, index)
}

// reach is whom a device asks: what local root configured first, then what its
// zone's bundle names. More endpoints must agree if either says so. Mirrors stand
// after all endpoints: they are asked for the tip where those do not answer, or
// where more must agree.
type reach struct {
	endpoints []pipe.Place // endpoints, then mirrors
	archives  []pipe.Place // mirrors and folders
	keepers   []pipe.Place // witnesses' own places, mirrors and folders
	witnesses []network.Witness
	pinned    witness.Set
	places    []pipe.Place
	agree     int
	deploy    uint64
}

func reachOf(local network.File, zone *network.File, pinned witness.Set) reach {
	r := reach{agree: max(local.Agree, 1), deploy: local.DeployBlock, pinned: pinned}
	files := []network.File{local}
	if zone != nil {
		files = append(files, *zone)
		r.agree = max(r.agree, zone.Agree)
		r.deploy = min(r.deploy, zone.DeployBlock)
	}
	seen := map[pipe.Place]bool{}
	add := func(kind, location string) {
		p := pipe.Place{Type: kind, Location: location}
		if seen[p] || len(r.places) == pipe.MaxPlaces {
			return
		}
		seen[p] = true
		r.places = append(r.places, p)
		if kind == pipe.Endpoint || kind == pipe.Mirror {
			r.endpoints = append(r.endpoints, p)
		}
		if kind == pipe.Folder || kind == pipe.Mirror {
			r.archives = append(r.archives, p)
		}
		if kind == pipe.Folder || kind == pipe.Mirror || kind == pipe.Witness {
			r.keepers = append(r.keepers, p)
		}
	}
	for _, f := range files {
		for _, url := range f.Endpoints {
			add(pipe.Endpoint, url)
		}
	}
	for _, f := range files {
		for _, url := range f.Mirrors {
			add(pipe.Mirror, url)
		}
		for _, s := range f.Stores {
			switch s.Type {
			case network.Folder:
				add(pipe.Folder, s.Path)
			case network.Gateway:
				add(pipe.Gateway, s.URL)
			case network.Sandbox:
				add(pipe.Sandbox, s.URL)
			}
		}
	}
	for _, f := range files {
		for _, w := range f.Witnesses {
			for _, location := range []string{w.URL, w.Path} {
				if location != "" {
					add(pipe.Witness, location)
				}
			}
			r.witnesses = append(r.witnesses, w)
		}
	}
	return r
}

// witnessed gives the reader the pinned witnesses: each is asked at its own
// places first, then wherever checkpoints may lie.
func (r reach) witnessed(fetcher Fetcher) verify.Witnesses {
	w := verify.Witnesses{Agree: r.pinned.Agree}
	for _, key := range r.pinned.Keys {
		one := verify.Witness{Name: "witness " + key.Short(), Key: key}
		own := map[string]bool{}
		for _, named := range r.witnesses {
			if named.Key == key {
				one.Name = "witness " + named.Name + " (" + key.Short() + ")"
				own[named.URL], own[named.Path] = true, true
			}
		}
		var others []verify.CheckpointSource
		for i, p := range r.keepers {
			switch k := (keeper{fetcher, i}); {
			case p.Type != pipe.Witness:
				others = append(others, k)
			case own[p.Location]:
				one.Places = append(one.Places, k)
			}
		}
		one.Places = append(one.Places, others...)
		w.All = append(w.All, one)
	}
	return w
}

// keeper is one place of checkpoints as the reader sees it.
type keeper struct {
	fetcher Fetcher
	index   int
}

func (k keeper) Checkpoint(ctx context.Context, key witness.Key) ([]byte, error) {
	return k.fetcher.Checkpoint(ctx, k.index, key)
}

// named gives the reader its endpoints. The names are for logs, so they are the
// numbers in the configuration and the hosts: a URL may hold an access key.
func (r reach) named(chain Chain) []verify.Endpoint {
	all := make([]verify.Endpoint, len(r.endpoints))
	numbers := map[string]int{}
	for i, p := range r.endpoints {
		voice := network.Voice(p.Location)
		if p.Type == pipe.Mirror {
			voice = network.MirrorVoice
		}
		numbers[p.Type]++
		all[i] = verify.Endpoint{Name: fmt.Sprintf("%s %d (%s)", p.Type, numbers[p.Type], network.Host(p.Location)), Source: endpoint{chain, i}, Voice: voice}
	}
	return all
}

// mirrors is how many there are.
func (r reach) mirrors() int {
	n := 0
	for _, p := range r.endpoints {
		if p.Type == pipe.Mirror {
			n++
		}
	}
	return n
}

// namedArchives gives the reader its archives.
func (r reach) namedArchives(fetcher Fetcher) []verify.Archive {
	all := make([]verify.Archive, len(r.archives))
	numbers := map[string]int{}
	for i, p := range r.archives {
		numbers[p.Type]++
		all[i] = verify.Archive{Name: fmt.Sprintf("%s %d", p.Type, numbers[p.Type]), Source: archive{fetcher, i}}
	}
	return all
}
