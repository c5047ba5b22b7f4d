package chain

import (
	"os"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/state"
)

// An account of uid 0 that is not called root: an administrator who may write
// GRANT alone does not become root through it.
func TestSuperuserByAnotherName(t *testing.T) {
	w := newWorld(t)
	for path, line := range map[string]string{"/etc/passwd": "toor:x:0:0::/root:/bin/sh\n", "/etc/shadow": "toor:*:19000:0:99999:7:::\n"} {
		before, err := os.ReadFile(path)
		w.Must(err)
		info, err := os.Stat(path)
		w.Must(err)
		w.Must(os.WriteFile(path, append(before, line...), info.Mode()))
		t.Cleanup(func() { w.Must(os.WriteFile(path, before, info.Mode())) })
	}
	plain := w.Org.Grant(w.ID, state.KindGrant, "toor", w.key.PublicKey(), time.Hour)
	w.read()
	w.refused("toor by GRANT", "toor", w.key, w.Org.Certificate(w.ca, w.key.PublicKey(), plain), authkeys.NeedsPrivilegedGrant)
	privileged := w.Org.Grant(w.ID, state.KindGrantPriv, "toor", w.key.PublicKey(), time.Hour)
	w.read()
	if got := w.Login("toor", w.key, w.Org.Certificate(w.ca, w.key.PublicKey(), privileged)); got.Code != 0 || got.Stdout != "root\n" {
		t.Errorf("the twin by GRANT_PRIV: %+v, %v", got, w.LastAudit())
	}
}
