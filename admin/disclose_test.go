package admin

import (
	"strings"
	"testing"

	"dpki/bundle"
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
