package main

import (
	"testing"

	"dpki/internal/manpage"
)

func TestManPage(t *testing.T) {
	flags, _, _ := define()
	manpage.Check(t, "dpki-sandbox.1", map[string]string{"options": manpage.Flags(flags)})
}
