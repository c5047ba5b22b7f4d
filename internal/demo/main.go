package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"dpki/internal/harness"
)

func main() {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "demo: error: it makes a machine of its own (namespaces), which needs root\ndemo: hint: sudo make demo")
		os.Exit(2)
	}
	os.Exit(harness.Isolated(run, "dpki", "dpkid", "dpki-authkeys", "dpki-sandbox"))
}

// most is how long the story may take. A machine under load takes longer, and
// that is no failure; a part that hangs is one.
const most = 2 * time.Minute

func run() int {
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	if err := rename("gate-7"); err != nil {
		fmt.Fprintf(os.Stderr, "demo: error: %v\n", err)
		return 1
	}
	dir, err := os.MkdirTemp("/root", "demo-")
	if err != nil {
		fmt.Fprintf(os.Stderr, "demo: error: %v\n", err)
		return 1
	}
	s := &stage{dir: dir, out: os.Stdout, start: time.Now()}
	defer s.clear()
	if err := tell(ctx, s); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: error: %v\n", err)
		s.logs(os.Stderr)
		return 1
	}
	s.say("\nDone in %.1f s. Everything ran in a machine of its own, which ends now.\n", time.Since(s.start).Seconds())
	return 0
}

// rename gives this machine of its own a name of its own, which the technician
// sees. Only the calling thread gets it, and what it starts: it stays locked.
func rename(name string) error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWUTS); err != nil {
		return fmt.Errorf("a name of its own: %w", err)
	}
	return unix.Sethostname([]byte(name))
}

// tell is the story.
func tell(ctx context.Context, s *stage) error {
	s.say("Five minutes on a device, on real parts. (dpki asks for passphrases; here a file answers.)\n")
	for _, part := range []func(context.Context, *stage) error{chain, organisation, device, grant, revoke} {
		if err := part(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// chain starts the sandbox.
func chain(ctx context.Context, s *stage) error {
	s.title("a chain with the contract, and a store for encrypted content, both on loopback")
	sandbox := filepath.Join(s.dir, "sandbox")
	if err := s.launch(ctx, "dpki-sandbox", "--dir", sandbox, "--block-time", "1s"); err != nil {
		return err
	}
	return s.until(ctx, func() error {
		_, err := os.Stat(filepath.Join(sandbox, "network.toml"))
		return err
	})
}
