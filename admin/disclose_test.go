package admin

import (
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/registry/audit"
	"dpki/registry/verify"
	"dpki/state"
)

func TestDisclosureForm(t *testing.T) {
	want := Disclosure{state.Word{1}, bundle.Key{2}}
	text, err := want.Text()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseDisclosure(text); err != nil || got != want {
		t.Errorf("%q: %v", text, err)
	}
	for _, bad := range []string{"", ":", text[:64], text + "=", text[:len(text)-1], strings.ToUpper(text[:64]) + text[64:] + " ", strings.Replace(text, ":", "-", 1)} {
		if _, err := ParseDisclosure(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// An exporter may prove one log at an older block than another: the report vouches
// for no time after the oldest.
func TestReportOfAnOldLog(t *testing.T) {
	c := &audit.Checked{File: &audit.File{Proofs: []audit.Proof{{Header: 2}, {Header: 1}}}, Blocks: []verify.Header{{Time: 10}, {Time: 20}, {Time: 30}}}
	if got := sureUntil(c); got != 20 {
		t.Errorf("nothing is said of after %v", got)
	}
	if c.Proofs[1].Header = 2; sureUntil(c) != 30 {
		t.Errorf("twin: %v", sureUntil(c))
	}
}

func FuzzDisclosure(f *testing.F) {
	text, err := Disclosure{state.Word{1}, bundle.Key{2}}.Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("x:y")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDisclosure(s)
		if err != nil {
			return
		}
		if again, err := d.Text(); err != nil || again != s {
			t.Errorf("%q came back as %q, %v", s, again, err)
		}
	})
}
