package device

import (
	"fmt"
	"testing"

	"dpki/internal/network"
	"dpki/registry/witness"
)

// All mirrors together are one voice beside the endpoints, and are asked after
// them; folders and mirrors are archives.
func TestMirrorsAreOneVoice(t *testing.T) {
	local := network.File{Agree: 1, Endpoints: []string{"http://a.example"}, Mirrors: []string{"http://m1.example"},
		Stores: []network.Store{{Type: network.Folder, Path: "/blocks"}}}
	zone := network.File{Agree: 2, Endpoints: []string{"http://b.example"}, Mirrors: []string{"http://m1.example", "http://m2.example"}}
	r := reachOf(local, &zone, witness.Set{})
	type place struct{ name, voice string }
	var got []place
	for _, e := range r.named(nil) {
		got = append(got, place{e.Name, e.Voice})
	}
	want := []place{{"endpoint 1 (a.example)", "a.example:80"}, {"endpoint 2 (b.example)", "b.example:80"}, {"mirror 1 (m1.example)", network.MirrorVoice}, {"mirror 2 (m2.example)", network.MirrorVoice}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("endpoints %v, want %v", got, want)
	}
	var archives []string
	for _, a := range r.namedArchives(nil) {
		archives = append(archives, a.Name)
	}
	if fmt.Sprint(archives) != "[mirror 1 folder 1 mirror 2]" || r.mirrors() != 2 {
		t.Errorf("archives %v, %d mirrors", archives, r.mirrors())
	}
}
