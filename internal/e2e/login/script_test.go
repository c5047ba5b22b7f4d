package login

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dpki/internal/anchor"
	"dpki/internal/harness"
	"dpki/internal/network"
	"dpki/state"

	"github.com/rogpeppe/go-internal/testscript"
)

// The commands of a device, as scripts: on this namespace's own /etc/dpki,
// /var/lib/dpki and /run/dpki, one script at a time.
func TestScripts(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.SshKeygen)
	registry := state.Registry{ChainID: 31337, Contract: state.Address{0x11}}
	params := testscript.Params{
		Setup: func(e *testscript.Env) error {
			for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki"} {
				if err := os.RemoveAll(p); err != nil {
					return err
				}
			}
			net, err := network.File{Name: "none", ChainID: registry.ChainID, Contract: registry.Contract, Agree: 1, FeeModel: network.EIP1559, Endpoints: []string{"http://127.0.0.1:9"}}.Marshal()
			if err != nil {
				return err
			}
			e.Setenv("ANCHOR", anchor.Anchor{Registry: registry, Org: state.Word{1}}.String())
			e.Setenv("OTHER", anchor.Anchor{Registry: registry, Org: state.Word{2}}.String())
			e.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
			return os.WriteFile(e.WorkDir+"/network.toml", net, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits N PROGRAM ARGS: the exit status is part of what is promised.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				err = ts.Exec(args[1], args[2:]...)
				got := 0
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					got = exit.ExitCode()
				} else if err != nil {
					ts.Fatalf("%v", err)
				}
				if got != want {
					ts.Fatalf("%s: exit %d, want %d", strings.Join(args[1:], " "), got, want)
				}
			},
			// mode PERMISSIONS FILE
			"mode": func(ts *testscript.TestScript, neg bool, args []string) {
				info, err := os.Lstat(ts.MkAbs(args[1]))
				ts.Check(err)
				if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
					ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
				}
			},
		},
	}
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		// Scripts of one Run are parallel: one Run each.
		t.Run("", func(t *testing.T) {
			p := params
			p.Files = []string{file}
			testscript.Run(t, p)
		})
	}
}
