package device

import (
	"fmt"
	"slices"

	"dpki/device/pipe"
	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/registry/witness"
)

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

// united is the network file that says what a reach says: what local root
// configured and what the zone's bundle names.
func united(local network.File, zone *network.File, pinned witness.Set) network.File {
	n := local
	n.Agree = max(n.Agree, 1)
	if zone == nil {
		return n
	}
	n.Agree, n.DeployBlock = max(n.Agree, zone.Agree), min(n.DeployBlock, zone.DeployBlock)
	n.Endpoints = both(local.Endpoints, zone.Endpoints)
	n.Mirrors = both(local.Mirrors, zone.Mirrors)
	n.Stores = both(local.Stores, zone.Stores)
	if zone.WitnessSet().Equal(pinned) {
		n.Witnesses, n.WitnessAgree, n.WitnessVersion, n.Rotations = zone.Witnesses, zone.WitnessAgree, zone.WitnessVersion, zone.Rotations
	}
	return n
}

// both is one list and what another adds, as many as a network file holds.
func both[T comparable](a, b []T) []T {
	all := slices.Clone(a)
	for _, v := range b {
		if !slices.Contains(all, v) && len(all) < network.MaxPlaces {
			all = append(all, v)
		}
	}
	return all
}
