// Package helper holds the real sshd, the real helper and the real decision against what an attacker can present: a login with
// crafted keys and certificates. The State behind the decision is made by hand, so that each row is one thing only; how State
// comes from a chain is tested elsewhere.
package helper

import (
	"testing"

	"dpki/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki-authkeys") }
