package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"dpki/bundle"
	"dpki/device/config"
	"dpki/device/sshd"
	"dpki/internal/file"
)

// ErrNoEffect: sshd does not read the drop-in that names the certificate.
var ErrNoEffect = errors.New("sshd does not use the certificate: sshd_config includes no sshd_config.d")

// commandTime bounds a check or a reload of deliveries.toml.
const commandTime = 30 * time.Second

// install makes a set stand, whole or not at all, and notes it.
func (a *Applier) install(ctx context.Context, s *set) error {
	if err := a.makeFolders(s); err != nil {
		return err
	}
	gone := a.gone(s)
	begun := &doing{Subject: s.Subject, Sshd: s.sshd, Reload: s.reload}
	changed := len(gone) > 0
	for _, f := range s.files {
		b, err := look(f.path)
		if err != nil {
			return err
		}
		changed = changed || !f.stands(b)
		begun.Before = append(begun.Before, b)
	}
	for _, p := range gone {
		b, err := look(p)
		if err != nil {
			return err
		}
		begun.Before = append(begun.Before, b)
	}
	end := outcome{Set: s.installed}
	if !changed {
		return a.note(a.ledger.after(&end))
	}
	return a.carryOut(ctx, s, begun, gone, end)
}

// carryOut does what begun says.
func (a *Applier) carryOut(ctx context.Context, s *set, begun *doing, gone []string, end outcome) error {
	if err := a.noteDoing(begun); err != nil {
		return err
	}
	a.at("begun")
	err := a.change(ctx, s, gone)
	if err == nil {
		stands := *begun
		stands.End = &end
		err = a.noteDoing(&stands)
	}
	if err != nil {
		return errors.Join(err, a.takeBack(ctx, nobodyTold))
	}
	a.at("stands")
	return a.conclude(ctx)
}

func (a *Applier) noteDoing(d *doing) error {
	next := *a.ledger
	next.Doing = d
	return a.note(&next)
}

// conclude tells of what stands, and notes that it is in force. Who dies in between
// tells twice, not never; who is cut off leaves it to the next daemon.
func (a *Applier) conclude(ctx context.Context) error {
	d := a.ledger.Doing
	err := a.tell(ctx, d.Sshd, d.Reload)
	if err != nil && ctx.Err() != nil {
		return err
	}
	a.at("told")
	if err == nil {
		err = a.note(a.ledger.after(d.End))
	}
	if err != nil {
		return errors.Join(err, a.takeBack(ctx, somebodyTold))
	}
	a.at("noted")
	return nil
}

// resume ends what the ledger says has begun: forward where all of it stands, back
// where it does not.
func (a *Applier) resume(ctx context.Context) error {
	switch d := a.ledger.Doing; {
	case d == nil:
		return nil
	case d.End != nil:
		return a.conclude(ctx)
	}
	return a.takeBack(ctx, somebodyTold)
}

// gone are the files of the version before that are none of the set's any more.
// A key whose certificate alone is renewed stays, and stays the set's; a host key
// is never taken away.
func (a *Applier) gone(s *set) (gone []string) {
	old := a.ledger.set(s.id())
	if old == nil {
		return nil
	}
	for _, p := range old.Paths {
		switch {
		case slices.Contains(s.Paths, p):
		case s.keep(p):
			s.Paths = append(s.Paths, p)
		default:
			gone = append(gone, p)
		}
	}
	return gone
}

// keep reports whether a file is a key that the set does not bring.
func (s *set) keep(path string) bool {
	keys := s.Purpose == bundle.PurposeHostCertificate || s.Purpose == bundle.PurposeUserKey
	return keys && !strings.HasSuffix(path, "-cert.pub")
}

// change writes and checks.
func (a *Applier) change(ctx context.Context, s *set, gone []string) error {
	for _, f := range s.files {
		if err := a.write(f); err != nil {
			return err
		}
		a.at("wrote " + filepath.Base(f.path))
	}
	for _, p := range gone {
		if err := remove(p); err != nil {
			return err
		}
		a.at("removed " + filepath.Base(p))
	}
	if err := a.check(ctx, s); err != nil {
		return err
	}
	a.at("checked")
	return nil
}

func (a *Applier) check(ctx context.Context, s *set) error {
	if s.sshd {
		if err := a.server().Test(ctx); err != nil || s.ends {
			return err
		}
		e, err := a.server().Effective(ctx, "root")
		if err != nil {
			return err
		}
		if !slices.Contains(e["hostcertificate"], s.HostKey+"-cert.pub") {
			return ErrNoEffect
		}
	}
	return run(ctx, "check", s.check)
}

// tell has whoever reads the files read them again.
func (a *Applier) tell(ctx context.Context, toSshd bool, reload []string) error {
	if toSshd {
		if err := a.reloadSshd(ctx); err != nil {
			return err
		}
	}
	return run(ctx, "reload", reload)
}

// reloadSshd tells a running sshd. Where none runs there is nobody to tell: the
// next one reads what stands there.
func (a *Applier) reloadSshd(ctx context.Context) error {
	err := sshd.Setup{Server: a.server()}.Reload(ctx)
	if err == nil {
		return nil
	}
	e, err2 := a.server().Effective(ctx, "root")
	if err2 != nil {
		return errors.Join(err, err2)
	}
	if _, gone := os.Stat(e.First("pidfile")); errors.Is(gone, fs.ErrNotExist) {
		return nil
	}
	return err
}

// told says whether somebody may have been told to read what is taken back.
type told bool

const (
	nobodyTold   told = false
	somebodyTold told = true
)

// takeBack puts back what stood there before the installation that the ledger
// says has begun, and tells whoever may have read what is gone.
func (a *Applier) takeBack(ctx context.Context, told told) error {
	d := a.ledger.Doing
	if d.End != nil {
		back := *d
		back.End = nil
		if err := a.noteDoing(&back); err != nil {
			return err // nothing was put back: the next daemon goes forward
		}
		d = &back
	}
	for _, b := range slices.Backward(d.Before) {
		file.Tidy(filepath.Dir(b.Path))
		if err := a.putBack(b); err != nil {
			return fmt.Errorf("putting back %s: %w", b.Path, err)
		}
	}
	a.at("put back")
	ended := *a.ledger
	ended.Doing = nil
	var err error
	if told {
		// Before it is noted: who dies in between, or is cut off, tells twice, not never.
		if err = a.tell(ctx, d.Sshd, d.Reload); err != nil && ctx.Err() != nil {
			return err
		}
	}
	return errors.Join(err, a.note(&ended))
}

func (a *Applier) putBack(b before) error {
	now, err := look(b.Path)
	if err != nil {
		return err
	}
	if !b.Exists {
		return remove(b.Path)
	}
	t := target{b.Path, b.Content, b.Mode, b.UID, b.GID}
	if t.stands(now) {
		return nil
	}
	return a.write(t)
}

// note replaces the ledger, on disk first.
func (a *Applier) note(next *ledger) error {
	if len(next.Others) > maxAnnounced {
		return ErrFull
	}
	if err := next.save(a.path); err != nil {
		return err
	}
	settled := next.subjects()
	a.mu.Lock()
	a.ledger, a.settled = next, settled
	a.mu.Unlock()
	return nil
}

// write puts a file in its place: beside it first, synced, with owner and mode.
func (a *Applier) write(t target) error {
	if err := config.CheckFolders(filepath.Dir(t.path)); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(t.path), ".dpki-*") // O_EXCL, 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // gone already where it was renamed
	_, err = temp.Write(t.content)
	if err == nil {
		err = temp.Chown(t.uid, t.gid)
	}
	if err == nil {
		err = temp.Chmod(t.mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", t.path, err)
	}
	a.at("beside " + filepath.Base(t.path))
	if err := os.Rename(temp.Name(), t.path); err != nil {
		return err
	}
	return file.SyncFolder(filepath.Dir(t.path))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return file.SyncFolder(filepath.Dir(path))
}

// makeFolders makes the folders of a set: what is there already is checked, when
// each file is written.
func (a *Applier) makeFolders(s *set) error {
	for _, f := range s.files {
		dir := filepath.Dir(f.path)
		if info, err := os.Lstat(dir); err == nil && info.IsDir() {
			continue
		}
		// Not MkdirAll at once: it would follow a link.
		if err := a.makeFolder(dir); err != nil {
			return err
		}
	}
	return nil
}

func (a *Applier) makeFolder(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return config.CheckFolders(dir)
	}
	if err := a.makeFolder(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755) // whatever the umask: who may read a file is the file's to say
}

// run runs a command that local root has configured.
func run(ctx context.Context, what string, argv []string) error {
	if len(argv) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &limited{&out}, &limited{&out}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w: %.200q", what, argv[0], err, bytes.TrimSpace(out.Bytes()))
	}
	return nil
}

// limited keeps the beginning of what a command says.
type limited struct{ to *bytes.Buffer }

func (l limited) Write(b []byte) (int, error) {
	if room := 4096 - l.to.Len(); room > 0 {
		l.to.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func owner(info os.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return -1, -1
}
