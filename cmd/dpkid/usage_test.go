package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"dpki/device/config"
)

// call runs the command with paths of its own.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	var out, errs bytes.Buffer
	e := &env{paths: config.Paths{Etc: filepath.Join(dir, "etc"), State: filepath.Join(dir, "state"), Run: filepath.Join(dir, "run")}, stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	code = e.run(context.Background(), append([]string{"dpkid"}, args...))
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		want string // in stderr
	}{
		{"statsu", 2, "did you mean dpkid status?"},
		{"status --jsno", 2, "has no flag --jsno"},
		{"status extra", 2, "takes no argument"},
		{"version extra", 2, "takes no argument"},
		{"enroll", 2, "takes 1 argument, not 0"},
		{"enroll a b", 2, "takes 1 argument, not 2"},
		{"enroll --name", 2, "needs a value"},
		{"--yes leave extra", 2, "takes no argument"},
		{"explain root", 2, "takes 2 arguments, not 1"},
		{"fetch", 2, ""},
	} {
		code, _, stderr := call(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("dpkid %s: exit %d, want %d\n%s", c.args, code, c.code, stderr)
		}
	}
	if code, stdout, _ := call(t); code != 2 || !strings.Contains(stdout, "COMMANDS") {
		t.Errorf("without arguments: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := call(t, "version"); code != 0 || stdout != version+"\n" {
		t.Errorf("version: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := call(t, "--version"); code != 0 || !strings.Contains(stdout, version) {
		t.Errorf("--version: exit %d, %q", code, stdout)
	}
	if code, stdout, _ := call(t, "enroll", "--help"); code != 0 || !strings.Contains(stdout, "--name NAME") || !strings.Contains(stdout, "--host-key FILE") {
		t.Errorf("enroll --help: exit %d, %q", code, stdout)
	}
}
