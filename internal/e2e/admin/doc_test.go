// Package admin tests the administrator's command against a whole organisation:
// sandbox, dpkid, a real sshd, a real ssh.
package admin

import (
	"testing"

	"dpki/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpkid", "dpki-authkeys", "dpki-sandbox") }
