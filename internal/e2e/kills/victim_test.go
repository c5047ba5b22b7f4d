package kills

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device/clock"
	"dpki/device/journal"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/registry/verify"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// victim is a device with folders of its own, on a disk where there is one, so
// that writing takes its time: each of its processes is started with them mounted
// where an installed dpkid has them.
type victim struct {
	*testing.T
	org     *fleet.Org
	dir     string
	request *bundle.Request

	last verify.Known               // what was on disk at the last death
	seen map[state.Word][]state.Tip // every end of a confirmed prefix that was found on disk
	keys int                        // zone keys that were found on disk
}

// folders are bound over what an installed dpkid uses.
var folders = map[string]string{"etc": "/etc/dpki", "state": "/var/lib/dpki", "run": "/run/dpki"}

func newVictim(t *testing.T, org *fleet.Org, name string) *victim {
	t.Helper()
	v := &victim{T: t, org: org, dir: t.TempDir(), seen: map[state.Word][]state.Tip{}}
	for own, installed := range folders {
		v.must(os.MkdirAll(installed, 0o755))
		v.must(os.Mkdir(filepath.Join(v.dir, own), 0o755))
	}
	network, err := org.Network.Marshal()
	v.must(err)
	v.must(os.WriteFile(filepath.Join(v.dir, "network.toml"), network, 0o600))
	v.must(os.WriteFile(filepath.Join(v.dir, "host.pub"), ssh.MarshalAuthorizedKey(org.NewKey().PublicKey()), 0o600))
	out := filepath.Join(v.dir, "request.json")
	cmd := v.command("enroll", org.Anchor.String(), "--name", name, "--host-key", filepath.Join(v.dir, "host.pub"),
		"--network", filepath.Join(v.dir, "network.toml"), "--out", out)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("enroll: %v: %s", err, text)
	}
	text, err := os.ReadFile(out)
	v.must(err)
	v.request, err = bundle.ParseRequest(text)
	v.must(err)
	return v
}

// command is dpkid with the device's folders in place. The shell becomes dpkid,
// so that the process id is the daemon's.
func (v *victim) command(args ...string) *exec.Cmd {
	script := ""
	for own, installed := range folders {
		script += fmt.Sprintf("mount --bind %s %s && ", filepath.Join(v.dir, own), installed)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", script + `exec "$@"`, "sh", harness.Bin(v, "dpkid")}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (v *victim) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// life is one run of the daemon.
type life struct {
	cmd   *exec.Cmd
	lines chan line
	log   bytes.Buffer // what was read of its log
}

// line is a line of the daemon's log, and when it came.
type line struct {
	text string
	at   time.Time
}

func (v *victim) start() (*life, error) {
	l := &life{cmd: v.command("run", "--verbose"), lines: make(chan line, 1024)}
	out, err := l.cmd.StderrPipe()
	if err == nil {
		err = l.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	go func() {
		defer close(l.lines)
		for r := bufio.NewReader(out); ; {
			text, err := r.ReadString('\n')
			if err != nil {
				return
			}
			l.lines <- line{text, time.Now()}
		}
	}()
	return l, nil
}

// lifetime bounds how long a phase is waited for.
const lifetime = time.Minute

// await reads the log until a line has the text, and returns false where the
// daemon ended or took too long.
func (l *life) await(text string, each func(line)) bool {
	timeout := time.After(lifetime)
	for {
		select {
		case one, ok := <-l.lines:
			if !ok {
				return false
			}
			l.log.WriteString(one.text)
			if each != nil {
				each(one)
			}
			if strings.Contains(one.text, text) {
				return true
			}
		case <-timeout:
			return false
		}
	}
}

// kill ends the daemon at once and returns the rest of its log.
func (l *life) kill(each func(line)) {
	l.cmd.Process.Kill()
	for one := range l.lines { // to the end of the pipe
		l.log.WriteString(one.text)
		if each != nil {
			each(one)
		}
	}
	l.cmd.Wait()
}

func (v *victim) untilEnrolled() {
	v.Helper()
	l, err := v.start()
	v.must(err)
	defer l.kill(nil)
	if !l.await("materials applied", nil) {
		v.Fatalf("not enrolled:\n%s", l.log.String())
	}
}

// killOnce runs the daemon, kills it at a random instant of a phase, and looks at
// what it left. It reports whether the next one may try.
func (v *victim) killOnce(aim phase, random *rand.Rand, tally *tally) bool {
	if aim == compacting {
		if err := v.waste(); err != nil {
			v.Errorf("%v", err)
			return false
		}
	}
	l, err := v.start()
	if err != nil {
		v.Errorf("start: %v", err)
		return false
	}
	now, since := between, time.Now()
	follow := func(one line) {
		p, ok := after(one.text)
		if !ok {
			return
		}
		if now != between {
			tally.saw(now, one.at.Sub(since))
		}
		now, since = p, one.at
	}
	// Not always the first time: a daemon that starts looks before it has anybody
	// to ask.
	times := 1
	if aim != compacting {
		times += random.IntN(4)
	}
	for range times {
		if !l.await(marks[aim].begin, follow) {
			l.kill(nil)
			v.Errorf("it was never %s:\n%s", aim, l.log.String())
			return false
		}
	}
	time.Sleep(time.Duration(random.Float64() * float64(tally.usually(aim))))
	last := now
	l.kill(func(one line) {
		if p, ok := after(one.text); ok {
			last = p
		}
	})
	tally.killed(last)
	if err := v.inspect(); err != nil {
		v.Errorf("killed while %s: %v\n%s", last, err, l.log.String())
		return false
	}
	return true
}

func (v *victim) open() (*journal.Journal, error) {
	return journal.Open(filepath.Join(v.dir, "state", "journal"), v.org.Anchor)
}

// waste leaves the journal mostly unused pages, as a join of a large zone does. How many it takes depends on the steps in which the
// library lets the file grow, so that the journal is asked whether it is enough.
func (v *victim) waste() error {
	info, err := os.Stat(filepath.Join(v.dir, "state", "journal"))
	if err != nil {
		return err
	}
	for much := 3<<20 + 2*info.Size(); much < 1<<30; much *= 2 {
		if err := v.ballast(int(much)); err != nil {
			return err
		}
		j, err := v.open() // as the daemon will
		if err != nil {
			return err
		}
		enough := j.Wasteful()
		if err := j.Close(); err != nil || enough {
			return err
		}
	}
	return fmt.Errorf("nothing makes a journal that was %d bytes long wasteful", info.Size())
}

// ballast lets a record come and go.
func (v *victim) ballast(size int) error {
	j, err := v.open()
	if err != nil {
		return err
	}
	const name = "ballast"
	return errors.Join(j.SetRecord(name, make([]byte, size)), j.SetRecord(name, nil), j.SetRecord(name, []byte{1}), j.Close())
}

// inspect reads all that is on disk, as a daemon does, and compares it with what
// was there before.
func (v *victim) inspect() error {
	j, err := v.open()
	if err != nil {
		return err
	}
	defer j.Close()
	known, err := j.Load()
	if err != nil {
		return err
	}
	record, err := j.Record(journal.RecordEnrolment)
	if err != nil || len(record) == 0 {
		return fmt.Errorf("enrolment of %d bytes: %v", len(record), err)
	}
	keys := strings.Count(string(record), `"id":`)
	if keys < v.keys {
		return fmt.Errorf("%d zone keys, %d before", keys, v.keys)
	}
	v.keys = keys
	if _, err := j.Batches(); err != nil {
		return err
	}
	stamp, err := j.Record(journal.RecordClock)
	if err != nil {
		return err
	}
	system, err := clock.System()
	if err != nil {
		return err
	}
	verified, err := clock.Restore(stamp, system)
	if err != nil {
		return err
	}
	if err := v.forward(known, verified.Block); err != nil {
		return err
	}
	v.last = known
	for scope, log := range known.Scopes {
		v.seen[scope] = append(v.seen[scope], log.Confirmed)
	}
	return v.denied()
}

// forward: head, clock and logs are of one moment, and of none before the last.
func (v *victim) forward(known verify.Known, clock uint64) error {
	if known.Head.Number < v.last.Head.Number || known.Head.Finalized < v.last.Head.Finalized {
		return fmt.Errorf("head %+v, before %+v", known.Head, v.last.Head)
	}
	if clock < known.Head.Time {
		return fmt.Errorf("the clock says %d, the head %d", clock, known.Head.Time)
	}
	for scope, before := range v.last.Scopes {
		if now := known.Scopes[scope]; now.Confirmed.Seq < before.Confirmed.Seq || now.Base != before.Base {
			return fmt.Errorf("scope %v: confirmed %d from %d, before %d from %d", scope, now.Confirmed.Seq, now.Base.Seq, before.Confirmed.Seq, before.Base.Seq)
		}
	}
	for scope, log := range known.Scopes {
		if log.Confirmed.Block > known.Head.Finalized {
			return fmt.Errorf("scope %v is confirmed to block %d, block %d is final", scope, log.Confirmed.Block, known.Head.Finalized)
		}
		for _, e := range log.Overlay {
			if e.Block > known.Head.Number {
				return fmt.Errorf("scope %v has an entry of block %d, the head is %d", scope, e.Block, known.Head.Number)
			}
		}
	}
	return nil
}

// denied: the list for the helper is whole.
func (v *victim) denied() error {
	b, err := os.ReadFile(filepath.Join(v.dir, "state", "denied"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // killed before it was made
	}
	if err != nil {
		return err
	}
	lines := strings.Split(string(b), "\n")
	if n := len(lines); n < 4 || lines[0] != "dpki-denied 2" || !strings.HasPrefix(lines[1], "at ") || lines[n-1] != "" || lines[n-2] != fmt.Sprintf("end %d", n-4) {
		return fmt.Errorf("the list of denied keys: %q", b)
	}
	return nil
}

// compare holds every end of a log that was found on disk against the chain.
func (v *victim) compare(truth map[state.Word][]state.Word) {
	v.Helper()
	checked := 0
	for scope, hashes := range truth {
		for _, tip := range v.seen[scope] {
			if tip.Seq == 0 {
				continue
			}
			if tip.Seq > uint64(len(hashes)) || hashes[tip.Seq-1] != tip.H {
				v.Errorf("scope %v ended at entry %d, hash %v: no such moment on the chain", scope, tip.Seq, tip.H)
				return
			}
			checked++
		}
	}
	if checked < 10 {
		v.Errorf("only %d ends of logs were found on disk", checked)
	}
}

// untilCaughtUp runs the daemon until its journal has the whole log of its zone,
// and looks that it has left nothing of what was interrupted.
func (v *victim) untilCaughtUp(truth map[state.Word][]state.Word) {
	v.Helper()
	v.org.Chain.Mine(3) // everything is final
	harness.Eventually(v, 60*time.Second, func() error {
		l, err := v.start()
		if err != nil {
			return err
		}
		ok := l.await("msg=written", nil)
		l.kill(nil)
		if !ok {
			return fmt.Errorf("nothing was written:\n%s", l.log.String())
		}
		if err := v.inspect(); err != nil {
			v.Fatal(err)
		}
		if got, want := v.last.Scopes[v.org.Zone].Confirmed.Seq, uint64(len(truth[v.org.Zone])); got < want {
			return fmt.Errorf("%d of %d entries", got, want)
		}
		return nil
	})
	files, err := os.ReadDir(filepath.Join(v.dir, "state"))
	v.must(err)
	for _, f := range files {
		if !slices.Contains([]string{"identity", "journal", "journal.reserve", "request.json", "denied"}, f.Name()) {
			v.Errorf("left behind: %s", f.Name())
		}
	}
}
