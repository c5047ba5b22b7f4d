package answer

import (
	"os"
	"testing"
)

// Who asks is not an sshd's child here: there is no monitor to remember.
func TestMonitorIsAnSshd(t *testing.T) {
	if p, ok := monitorOf(int32(os.Getpid())); ok {
		t.Errorf("the go tool is taken for sshd: %+v", p)
	}
	if _, ok := monitorOf(1 << 22); ok {
		t.Error("a process that does not exist has a monitor")
	}
}
