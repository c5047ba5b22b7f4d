package messages

import (
	"slices"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/manpage"
)

func TestMessages(t *testing.T) {
	page, err := Page(harness.RepoRoot())
	if err != nil {
		t.Fatal(err)
	}
	manpage.CheckFile(t, "docs/messages.md", page)
	// One of each form: a form that is no longer found would go unnoticed.
	for _, want := range []string{
		"| the grant is revoked | make a new grant if it was a mistake: `dpki grant` |",
		"| as which account? | give --account |",
		"| the account cannot pay | send ... ETH or more to ... |",
		"| there is a zone ... already |",
		"| the content could not be stored |",
		"| no live CA: grants need one |",
		"| there is no chain key yet |",
		"| the drop-in's place is taken by a file that dpkid did not write | move that file away |",
		"| the anchor's checksum does not match: copy it again, whole |",
		"| this device is not enrolled: ... | `dpkid enroll ANCHOR` |",
		"| must run as one user and not as root |",
		"no answer from dpkid",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestForms(t *testing.T) {
	s, err := parse("testdata", ".")
	if err != nil {
		t.Fatal(err)
	}
	got := s.find(ofAdmin)
	want := []Message{{"zone ... is not there", "see ... list"}, {"it failed: ...", ""}, {"no keys here", "make some"}, {"a sentinel", "do this"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
