package pipe

import (
	"context"
	"errors"
	"net"
	"testing"

	"dpki/registry"
	"dpki/state"
)

// A fetch that was taken over says what it likes about its failures, and root
// reads it in a terminal.
func TestDetailWritesNoTerminal(t *testing.T) {
	for said, want := range map[string]string{
		"\x1b]0;owned\x07\x1b[2J\r\n\u009b31m\u202e\xff": "?]0;owned??[2J???31m?\ufffd",
		"no route to “host”":                             "no route to “host”", // the twin
	} {
		ours, theirs := net.Pipe()
		c := NewClient(ours)
		go func() {
			f, err := readFrame(theirs, questionLimit)
			if err != nil {
				return
			}
			b, err := frame{kind: kindFailure, id: f.id, fields: [][]byte{{byte(registry.Unavailable)}, be(4, 0), []byte(said)}}.marshal()
			if err == nil {
				theirs.Write(b)
			}
		}()
		_, err := c.Head(context.Background(), 0, registry.HeadQuery{Slots: []state.Word{{1}}})
		c.Close()
		theirs.Close()
		var f *registry.Failure
		if !errors.As(err, &f) || f.Detail != want {
			t.Errorf("%q: %v, want detail %q", said, err, want)
		}
	}
}
