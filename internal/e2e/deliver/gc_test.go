package deliver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/admin"
	"dpki/bundle"
	"dpki/device"
	"dpki/internal/harness"
)

// as is the site with a subtest's voice.
func (s *site) as(t *testing.T) *site {
	d := *s.Desk
	d.T = t
	m := *s
	m.Desk = &d
	return &m
}

// killedCommand: the administrator's command is killed while it delivers, at
// several moments, and given again: what is delivered is there once.
func (s *site) killedCommand(t *testing.T, site string, version func(string)) {
	s = s.as(t)
	landed := 0
	for i := range 5 {
		v := fmt.Sprint("killed-", i)
		version(v)
		args := []string{"--home", s.Home(), "--passphrase-file", s.passphrase(), "deliver", "files", "gate-7", "--name", fmt.Sprint("set-", i), "--path", site + "/"}
		cmd := exec.Command(harness.Bin(t, "dpki"), args...)
		cmd.Dir = s.Dir
		s.Must(cmd.Start())
		time.Sleep(time.Duration(i*i) * 60 * time.Millisecond) // from its first millisecond to its last
		if cmd.Process.Kill() != nil || cmd.Wait() == nil {
			landed++
		}
		s.Dpki(0, "deliver", "files", "gate-7", "--name", fmt.Sprint("set-", i), "--path", site+"/", "--missing")
		id := s.inForceOnce(fmt.Sprint("set-", i))
		if got := s.becomes(id); got.Result != bundle.Applied {
			t.Errorf("%+v", got)
		}
		if b, err := os.ReadFile(fmt.Sprintf("/etc/dpki/files.d/set-%d/version", i)); err != nil || string(b) != v+"\n" {
			t.Errorf("set-%d: %q, %v", i, b, err)
		}
	}
	t.Logf("five commands were killed, %d of them after their work was done", landed)
}

// inForceOnce is the one delivery of this name, which is in force.
func (s *site) inForceOnce(name string) (id string) {
	s.Helper()
	type listed struct{ Name, Standing, ID string }
	var list []listed
	s.Decode(s.Dpki(0, "deliver", "list", "gate-7", "--json"), &list)
	list = slices.DeleteFunc(list, func(d listed) bool { return d.Name != name })
	if len(list) != 1 || list[0].Standing != "live" {
		s.Fatalf("%s: %+v, want one that is in force", name, list)
	}
	return list[0].ID
}

func (s *site) passphrase() string { return filepath.Join(s.Dir, "sandbox", "admin.passphrase") }

// stores: three stores; what one of them lacks is named, and put again.
func (s *site) stores(t *testing.T, folder string) {
	s = s.as(t)
	var r admin.StoreReport
	check := func(want int, more ...string) {
		t.Helper()
		r = admin.StoreReport{}
		s.Decode(s.Dpki(want, append([]string{"store", "check", "--json", "--wait", "3s"}, more...)...), &r)
	}
	check(0)
	if len(r.Stores) != 3 || r.Blocks < 10 || len(r.Missing)+len(r.Partial) != 0 {
		t.Fatalf("%+v", r)
	}
	blocks := r.Blocks
	cid := s.deliver("files", "gate-7", "--name", "web", "--path", "web/").Deliveries[0].CID
	// The folder loses it: it is named, with the stores that have it.
	s.Must(os.Remove(filepath.Join(folder, cid)))
	check(0)
	if len(r.Partial) != 1 || r.Partial[0].CID != cid || len(r.Partial[0].By) != 2 || !strings.Contains(r.Partial[0].What, "files web for plant/gate-7") {
		t.Errorf("%+v", r.Partial)
	}
	// The folder has other bytes in its place: that is as good as nothing.
	s.Must(os.WriteFile(filepath.Join(folder, cid), []byte("other"), 0o644))
	check(0)
	if len(r.Partial) != 1 || !strings.Contains(strings.Join(r.Partial[0].Why, " "), "other bytes") {
		t.Errorf("altered: %+v", r.Partial)
	}
	// The node serves it and does not keep it: its next clean-up would take it.
	s.admin.Run(t, "pin", "rm", cid)
	check(0)
	if len(r.Partial) != 1 || !strings.Contains(strings.Join(r.Partial[0].Why, " "), "not kept there") {
		t.Errorf("unpinned: %+v", r.Partial)
	}
	check(0, "--repair")
	if len(r.Repaired) != 1 || len(r.Repaired[0].By) != 2 || len(r.Missing)+len(r.Partial) != 0 {
		t.Errorf("repaired: %+v", r)
	}
	check(0)
	if len(r.Partial) != 0 || r.Blocks < blocks {
		t.Errorf("after the repair: %+v", r)
	}
	if !slices.Contains(pins(s), cid) {
		t.Error("the node does not keep it")
	}
	// Nobody serves it any more: status 3 and its name; this administrator kept it.
	s.Must(os.Remove(filepath.Join(folder, cid)))
	s.admin.Run(t, "pin", "rm", cid)
	s.admin.Run(t, "repo", "gc")
	s.near.Run(t, "repo", "gc")
	check(3)
	if len(r.Missing) != 1 || r.Missing[0].CID != cid {
		t.Errorf("missing: %+v", r.Missing)
	}
	check(0, "--repair")
	check(0)
}

// pins are what the administrator's node keeps.
func pins(s *site) []string {
	list := strings.Fields(s.admin.Run(s.T, "pin", "ls", "--type=recursive", "--quiet"))
	slices.Sort(list) // the node says them in any order
	return list
}

// gc: stores let go of what is superseded and applied, and of nothing else.
func (s *site) gc(t *testing.T, site string, version func(string), folder string) {
	s = s.as(t)
	stranger := s.admin.Run(t, "add", "--quieter", "--cid-version=1", "--raw-leaves", filepath.Join(s.Dir, "host.pub"))
	var g admin.StoreGarbage
	look := func(more ...string) []string {
		t.Helper()
		g = admin.StoreGarbage{}
		s.Decode(s.Dpki(0, append([]string{"store", "gc", "--dry-run", "--json"}, more...)...), &g)
		var ids []string
		for _, b := range g.LetGo {
			ids = append(ids, b.CID)
		}
		return ids
	}
	kept := func(cid string) (why string) {
		for _, b := range g.Kept {
			if b.CID == cid {
				why = b.Why + "; " + b.Keep
			}
		}
		return why
	}
	send := func(v string) (id, cid string) {
		version(v)
		got := s.deliver("files", "gate-7", "--name", "gc", "--path", site+"/").Deliveries[0]
		return got.ID, got.CID
	}
	_, first := send("1")
	s.daemon.Stop()
	secondID, second := send("2")
	if ids := look(); slices.Contains(ids, first) || !strings.Contains(kept(first), "no receipt says that") {
		t.Errorf("before the device has said that it applied the next: let go %v, kept %q", ids, kept(first))
	}
	if ids := look("--unacknowledged"); !slices.Contains(ids, first) || slices.Contains(ids, second) {
		t.Errorf("--unacknowledged: %v", ids)
	}
	// The next one is revoked: the first is in force again, whatever is asked for.
	s.Dpki(0, "revoke", secondID, "--yes")
	if ids := look("--unacknowledged"); slices.Contains(ids, first) || !slices.Contains(ids, second) || kept(first) != "" {
		t.Errorf("the successor is revoked: let go %v, kept %q", ids, kept(first))
	}
	s.run()
	thirdID, third := send("3")
	s.becomes(thirdID)
	s.acknowledged()
	ids := look()
	for cid, want := range map[string]bool{first: true, second: true, third: false, stranger: false} {
		if slices.Contains(ids, cid) != want {
			t.Errorf("%s is let go %v, want %v", cid, !want, want)
		}
	}
	// Looking changed nothing, and without a terminal nothing is done unasked.
	before := pins(s)
	if got := s.Dpki(2, "store", "gc"); !strings.Contains(got.Stderr, "has to be confirmed") || !slices.Equal(pins(s), before) {
		t.Errorf("not confirmed: %s", got.Stderr)
	}
	// Killed in the middle, and given again.
	cmd := exec.Command(harness.Bin(t, "dpki"), "--home", s.Home(), "--passphrase-file", s.passphrase(), "store", "gc", "--yes")
	s.Must(cmd.Start())
	s.Eventually("the first block let go of", func() error {
		if len(pins(s)) == len(before) {
			return fmt.Errorf("the node keeps all %d", len(before))
		}
		return nil
	})
	if cmd.Process.Kill() == nil {
		cmd.Wait()
	}
	s.Dpki(0, "store", "gc", "--yes")
	after := pins(s)
	for cid, want := range map[string]bool{first: false, second: false, third: true, stranger: true} {
		if slices.Contains(after, cid) != want {
			t.Errorf("after: the node keeps %s %v, want %v", cid, !want, want)
		}
		if _, err := os.Stat(filepath.Join(folder, cid)); cid != stranger && (err == nil) != want {
			t.Errorf("after: the folder has %s: %v, want %v", cid, err, want)
		}
	}
	if len(look()) != 0 {
		t.Errorf("a second run lets go of %v", g.LetGo)
	}
	// What is left is whole: a check finds all that is needed, the device goes on,
	// and a laptop with nothing but identity and chain key reads everything.
	s.Dpki(0, "store", "check")
	if st, err := s.status(); err != nil || slices.ContainsFunc(st.Delivered, func(d device.Delivered) bool { return !d.OK() }) {
		t.Errorf("status %+v, %v", st.Delivered, err)
	}
	empty := t.TempDir()
	s.Must(os.Chmod(empty, 0o700))
	for _, f := range []string{"identity", "chain-key.json"} {
		b, err := os.ReadFile(filepath.Join(s.Home(), f))
		s.Must(err)
		s.Must(os.WriteFile(filepath.Join(empty, f), b, 0o600))
	}
	dpki := harness.Bin(t, "dpki")
	s.Run(0, empty, dpki, "--home", empty, "--network", s.Network, "org", "join", s.Anchor.String())
	list := s.Run(0, empty, dpki, "--home", empty, "deliver", "list", "--json").Stdout
	if !strings.Contains(list, third) || strings.Contains(list, second) {
		t.Errorf("on the new laptop: %s", list)
	}
}
