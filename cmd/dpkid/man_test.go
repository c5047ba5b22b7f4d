package main

import (
	"testing"

	"dpki/internal/manpage"
)

func TestManPage(t *testing.T) {
	e := &env{}
	manpage.Check(t, "dpkid.8", map[string]string{"commands": manpage.Commands(e.app())})
}
