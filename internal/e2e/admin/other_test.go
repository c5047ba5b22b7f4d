package admin

import (
	"testing"

	"dpki/internal/harness/sshd"
)

// newOtherHost is an sshd at another port with another host key: not the device.
func newOtherHost(t *testing.T) string {
	t.Helper()
	return sshd.Start(t, sshd.Config{}).Addr()
}
