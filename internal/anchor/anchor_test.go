package anchor

import (
	"errors"
	"strings"
	"testing"

	"dpki/state"
)

func example() Anchor {
	a := Anchor{Registry: state.Registry{ChainID: 1135}}
	a.Registry.Contract[0], a.Registry.Contract[19] = 0xab, 0xcd
	a.Org[0], a.Org[31] = 0x12, 0x34
	return a
}

func TestRoundTrip(t *testing.T) {
	want := example()
	got, err := Parse(want.String())
	if err != nil || got != want {
		t.Fatalf("Parse(String) = %v, %v; want %v", got, err, want)
	}
}

func TestEverySingleCharacterMistakeIsFound(t *testing.T) {
	s := example().String()
	for i := range s {
		for _, c := range "0a:-" {
			bad := s[:i] + string(c) + s[i+1:]
			if bad == s {
				continue
			}
			if _, err := Parse(bad); err == nil {
				t.Errorf("Parse accepted %q", bad)
			}
		}
		if _, err := Parse(s[:i]); err == nil {
			t.Errorf("Parse accepted the first %d characters", i)
		}
	}
}

func TestMistakesAreNamed(t *testing.T) {
	s := example().String()
	body, _, _ := strings.Cut(s, "-")
	other := strings.TrimSuffix(body, ":1") + ":2"
	upper := strings.Replace(body, "abcd", "ABCD", 1)
	upper = strings.Replace(upper, "ab0", "AB0", 1)
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"empty", "", ErrForm},
		{"long", strings.Repeat("a", MaxLen+1), ErrForm},
		{"one digit", strings.Replace(s, "eip155:1135", "eip155:1136", 1), ErrChecksum},
		{"newer contract", other + "-" + checksum(other), ErrVersion},
		{"upper case", upper + "-" + checksum(upper), ErrForm},
		{"trailing", s + " ", ErrChecksum},
	} {
		if _, err := Parse(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example().String())
	f.Add("dpki:eip155:1:00:00:1-00000000")
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := Parse(s); err == nil && a.String() != s {
			t.Errorf("Parse(%q) prints %q", s, a)
		}
	})
}
