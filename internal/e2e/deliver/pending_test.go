package deliver

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// pending: a command is killed while its transaction waits in the pool, and given
// again at once: that waits for it, and what is delivered is there once.
func (s *site) pending(t *testing.T, site string, version func(string)) {
	s = s.as(t)
	version("pending")
	hold := func(on bool) { s.chain(nil, "sandbox_hold", on) }
	count := func() (waiting int) {
		var pool struct{ Pending string }
		s.chain(&pool, "txpool_status")
		_, err := fmt.Sscanf(pool.Pending, "0x%x", &waiting)
		s.Must(err)
		return waiting
	}
	begin := func() (cmd *exec.Cmd, said func() string) {
		out, err := os.CreateTemp(t.TempDir(), "stderr")
		s.Must(err)
		defer out.Close()
		cmd = exec.Command(harness.Bin(t, "dpki"), "--home", s.Home(), "--passphrase-file", s.passphrase(),
			"deliver", "files", "gate-7", "--name", "pending", "--path", site+"/", "--missing")
		cmd.Dir, cmd.Stderr = s.Dir, out
		s.Must(cmd.Start())
		return cmd, func() string {
			text, err := os.ReadFile(out.Name())
			s.Must(err)
			return string(text)
		}
	}
	const words = "dpki: waiting for transaction"
	hold(true)
	defer hold(false)
	first, _ := begin()
	s.Eventually("a transaction in the pool", func() error {
		if n := count(); n != 1 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	s.Must(first.Process.Kill())
	if first.Wait() == nil {
		t.Error("it ended before it was killed, with mining held")
	}
	second, said := begin()
	s.Eventually("it says that it waits", func() error {
		if !strings.Contains(said(), words) {
			return fmt.Errorf("it says %q", said())
		}
		return nil
	})
	if n := count(); n != 1 {
		t.Errorf("%d transactions wait, the first command's alone was to", n)
	}
	hold(false)
	if err := second.Wait(); err != nil || strings.Count(said(), words) != 1 {
		t.Errorf("%v: %s", err, said())
	}
	s.inForceOnce("pending")
	// The twin, when nothing waits: nothing is waited for, and nothing done twice.
	third, said := begin()
	if err := third.Wait(); err != nil || strings.Contains(said(), words) {
		t.Errorf("%v: %s", err, said())
	}
	s.inForceOnce("pending")
}
