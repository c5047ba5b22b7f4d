package faults

import (
	"os"
	"strings"
	"testing"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
)

// TestFilesThatAreNotRight: the daemon does not start from files that others could have written, or that say what it does
// not know; and it starts again once they are right.
func TestFilesThatAreNotRight(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	w.Daemon.Stop()
	const conf, network, identity = "/etc/dpki/dpkid.toml", "/etc/dpki/network.toml", "/var/lib/dpki/identity"
	appended := func(path, text string) func() {
		return func() {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			w.Must(err)
			_, err = f.WriteString(text)
			w.Must(err)
			w.Must(f.Close())
		}
	}
	replaced := func(path, old, new string) func() {
		return func() {
			b, err := os.ReadFile(path)
			w.Must(err)
			if !strings.Contains(string(b), old) {
				t.Fatalf("no %q in %s", old, path)
			}
			w.Must(os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600))
		}
	}
	link := func(path string) func() {
		return func() {
			w.Must(os.Rename(path, path+".real"))
			w.Must(os.Symlink(path+".real", path))
		}
	}
	anchor := w.Org.Anchor.String()
	for _, row := range []struct {
		name string
		path string
		do   func()
		want string
	}{
		{"unknown field", conf, appended(conf, "\nallow_everybody = true\n"), "unknown field"},
		{"unknown version", conf, replaced(conf, "version = 1", "version = 2"), "version"},
		{"an anchor with a wrong digit", conf, replaced(conf, anchor, flipLast(anchor)), "anchor"},
		{"written by a group", conf, func() { w.Must(os.Chmod(conf, 0o664)) }, conf},
		{"somebody else's", conf, func() { w.Must(os.Chown(conf, 6001, 6001)) }, conf},
		{"a symbolic link", conf, link(conf), conf},
		{"network file with an unknown field", network, appended(network, "\n[[trusted]]\nurl = \"http://192.0.2.1\"\n"), "trusted"},
		{"network file of another chain", network, replaced(network, "chain_id = 31337", "chain_id = 1"), "chain"},
		{"network file of everybody", network, func() { w.Must(os.Chmod(network, 0o666)) }, network},
		{"identity that others read", identity, func() { w.Must(os.Chmod(identity, 0o644)) }, identity},
		{"identity of somebody else", identity, func() { w.Must(os.Chown(identity, 6001, 6001)) }, identity},
		{"identity by a link", identity, link(identity), identity},
		{"identity cut off", identity, func() { w.Must(os.Truncate(identity, 100)) }, "identity"},
		{"folder that others write", "", func() { w.Must(os.Chmod("/etc/dpki", 0o777)) }, "/etc/dpki"},
		{"state folder that others write", "", func() { w.Must(os.Chmod("/var/lib/dpki", 0o777)) }, "/var/lib/dpki"},
	} {
		restore := w.kept(row.path)
		row.do()
		p := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
		code, err := p.Wait(harness.Patience)
		if err != nil || code == 0 || !strings.Contains(p.Output(), row.want) || !strings.Contains(p.Output(), "dpkid: error:") {
			t.Errorf("%s: exit %d, %v, want %q in:\n%s", row.name, code, err, row.want, p.Output())
		}
		p.Stop()
		w.out(row.name, w.alice)
		restore()
	}
	w.Run()
	w.in("everything as it was", w.alice)
}

// kept remembers a file, or the folders, for later.
func (w *world) kept(path string) (restore func()) {
	w.Helper()
	if path == "" {
		return func() { w.Must(os.Chmod("/etc/dpki", 0o755)); w.Must(os.Chmod("/var/lib/dpki", 0o711)) }
	}
	text, err := os.ReadFile(path)
	w.Must(err)
	fi, err := os.Stat(path)
	w.Must(err)
	return func() {
		os.Remove(path)
		os.Remove(path + ".real")
		w.Must(os.WriteFile(path, text, fi.Mode().Perm()))
	}
}

func flipLast(s string) string {
	last := byte('0')
	if s[len(s)-1] == last {
		last = '1'
	}
	return s[:len(s)-1] + string(last)
}
