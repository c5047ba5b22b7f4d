package receive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/internal/file"
	"dpki/state"
)

// Below a person's folder:
//
//	.sets/SUBJECT-HASH/      one version of what one delivery brings, whole
//	keys/ZONE/NAME           link to the version in use: id, id.pub, id-cert.pub
//	ca/ZONE/NAME             link: ca.pub
//	files/ZONE/NAME          link: the files
//	known_hosts.d/ZONE       what ssh believes of that zone's hosts
//	ssh_config               made of all of them
//
// A version is written under another name and renamed, and the link to it is
// renamed over the one before: whoever reads finds the old set or the new one.
const (
	setsFolder = ".sets"
	unfinished = ".new-"
	keyFile    = "id"
)

var receivedFolders = map[bundle.Purpose]string{bundle.PurposeUserKey: "keys", bundle.PurposeCA: "ca", bundle.PurposeFiles: "files"}

// lockFolder makes the folder and keeps others out of it.
func lockFolder(dir string) (unlock func(), err error) {
	if err := home.Make(dir); err != nil {
		return nil, fault.Folder(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC|syscall.O_NOFOLLOW, 0o600)
	if err == nil {
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, fault.Because(err, fault.Later, "wait for the other dpki receive", "%s is in use", dir)
	}
	return func() { f.Close() }, nil
}

func (r *Receiver) at(step string) {
	if r.step != nil {
		r.step(step)
	}
}

// link is where a set is found, relative to the folder.
func (s *receivedSet) link() string {
	return filepath.Join(receivedFolders[bundle.Purpose(s.fact.Purpose)], s.place.Zone, s.name)
}

// version is the name of the folder of what a set brings now.
func (s *receivedSet) version() string {
	h := sha256.New()
	for _, f := range s.files {
		fmt.Fprintf(h, "%d %s %o %d ", len(f.path), f.path, f.mode, len(f.content))
		h.Write(f.content)
	}
	return versionsOf(s.fact.Subject) + hex.EncodeToString(h.Sum(nil)[:8])
}

// versionsOf is how the versions of one delivery begin.
func versionsOf(subject state.Word) string { return subject.String()[:16] + "-" }

// inUse reports whether a delivery is the one that its name stands for now.
func (r *Receiver) inUse(p Place, f *state.DeliveryFact) bool {
	s := &receivedSet{place: p, fact: f, name: f.Delivery.Name}
	if receivedFolders[bundle.Purpose(f.Purpose)] == "" || !state.ValidName(s.name) {
		return false
	}
	target, err := os.Readlink(filepath.Join(r.Folder, s.link()))
	return err == nil && strings.HasPrefix(filepath.Base(target), versionsOf(f.Subject))
}

// install makes the folder what the sets say, and tells in out what became of them.
func (r *Receiver) install(places []Place, sets []*receivedSet, now uint64, out *Reception) error {
	sets, err := r.writeSets(sets)
	if err != nil {
		return err
	}
	wanted, blind := map[string]bool{}, map[string]bool{}
	for _, s := range sets {
		shown := Received{Zone: s.place.Zone, Purpose: bundle.Purpose(s.fact.Purpose).String(), Name: s.name, ID: s.fact.Subject.String(), Outcome: s.outcome, Why: s.why, Until: ledger.Time(s.fact.Until)}
		if s.outcome == Installed {
			shown.Path = filepath.Join(r.Folder, s.link())
			if shown.New, err = r.point(s); err != nil {
				return err
			}
		}
		if s.outcome == Installed || s.kept {
			wanted[s.link()] = true
		}
		if s.kept {
			blind[s.place.Zone] = true
		}
		out.Received = append(out.Received, shown)
	}
	// What could not be read now is in the files for ssh as it was, but whom ssh
	// believes can become less.
	if len(blind) == 0 {
		out.SSHConfig, err = r.writeSSH(places, sets)
	} else {
		if path := filepath.Join(r.Folder, sshConfigFile); exists(path) {
			out.SSHConfig = path
		}
		err = r.narrowKnownHosts(places, sets, blind)
	}
	if err != nil {
		return err
	}
	r.at("told ssh")
	gone, err := r.drop(wanted)
	out.Received = append(out.Received, gone...)
	if err != nil {
		return err
	}
	return r.tidy()
}

// writeSets writes the versions that are not there yet. Of two that bring the same
// name the one that was entered later stays.
func (r *Receiver) writeSets(sets []*receivedSet) ([]*receivedSet, error) {
	if err := home.Make(filepath.Join(r.Folder, setsFolder)); err != nil {
		return nil, err
	}
	var list []*receivedSet
	seen := map[string]bool{}
	for _, s := range sets {
		if s.outcome == Installed {
			if seen[s.link()] {
				continue
			}
			seen[s.link()] = true
			if err := r.writeSet(s); err != nil {
				return nil, err
			}
		}
		list = append(list, s)
	}
	return list, nil
}

func (r *Receiver) writeSet(s *receivedSet) error {
	final := filepath.Join(r.Folder, setsFolder, s.version())
	if s.stands(final) {
		return nil
	}
	temp, err := os.MkdirTemp(filepath.Join(r.Folder, setsFolder), unfinished)
	if err != nil {
		return err
	}
	for _, f := range s.files {
		path := filepath.Join(temp, filepath.FromSlash(f.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := file.Create(path, f.content, fs.FileMode(f.mode)); err != nil {
			return err
		}
		r.at("wrote " + f.path)
	}
	if err := os.RemoveAll(final); err != nil { // damaged, or it would stand
		return err
	}
	if err := os.Rename(temp, final); err != nil {
		return err
	}
	r.at("whole")
	return file.SyncFolder(filepath.Dir(final))
}

// stands reports whether a version is there as it is to be.
func (s *receivedSet) stands(dir string) bool {
	for _, f := range s.files {
		path := filepath.Join(dir, filepath.FromSlash(f.path))
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != fs.FileMode(f.mode) {
			return false
		}
		if b, err := home.Read(path, len(f.content)); err != nil || !bytes.Equal(b, f.content) {
			return false
		}
	}
	return true
}

// point has a set's name stand for its version.
func (r *Receiver) point(s *receivedSet) (changed bool, err error) {
	link := filepath.Join(r.Folder, s.link())
	if err := home.Make(filepath.Dir(link)); err != nil {
		return false, err
	}
	target, err := filepath.Rel(filepath.Dir(link), filepath.Join(r.Folder, setsFolder, s.version()))
	if err != nil {
		return false, err
	}
	switch old, err := os.Readlink(link); {
	case err == nil && old == target:
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("%s is none of what dpki receive has put there: move it away: %w", link, err)
	}
	temp := filepath.Join(filepath.Dir(link), unfinished+s.name)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := os.Symlink(target, temp); err != nil {
		return false, err
	}
	r.at("beside " + s.link())
	if err := os.Rename(temp, link); err != nil {
		return false, err
	}
	r.at("linked " + s.link())
	return true, file.SyncFolder(filepath.Dir(link))
}

// drop takes away the names that stand for nothing any more. What somebody else has
// put there stays.
func (r *Receiver) drop(wanted map[string]bool) (gone []Received, err error) {
	purposes := []bundle.Purpose{bundle.PurposeUserKey, bundle.PurposeCA, bundle.PurposeFiles}
	for _, purpose := range purposes {
		links, err := filepath.Glob(filepath.Join(r.Folder, receivedFolders[purpose], "*", "*"))
		if err != nil {
			return gone, err
		}
		unnamed, err := filepath.Glob(filepath.Join(r.Folder, receivedFolders[purpose], "*", unfinished+"*"))
		if err != nil {
			return gone, err
		}
		for _, path := range slices.Concat(links, unnamed) {
			rel, err := filepath.Rel(r.Folder, path)
			if err != nil || wanted[rel] {
				continue
			}
			if target, err := os.Readlink(path); err != nil || filepath.Base(filepath.Dir(target)) != setsFolder {
				continue
			}
			if err := os.Remove(path); err != nil {
				return gone, err
			}
			r.at("dropped " + rel)
			if name := filepath.Base(path); !strings.HasPrefix(name, unfinished) {
				gone = append(gone, Received{Zone: filepath.Base(filepath.Dir(path)), Purpose: purpose.String(), Name: name, Outcome: Removed, New: true})
			}
			// A zone that has nothing left needs no folder; one that has keeps it.
			_ = os.Remove(filepath.Dir(path))
		}
	}
	return gone, nil
}

// tidy removes versions that no name stands for, and what was being written when
// somebody was killed.
func (r *Receiver) tidy() error {
	used := map[string]bool{}
	for _, folder := range receivedFolders {
		links, err := filepath.Glob(filepath.Join(r.Folder, folder, "*", "*"))
		if err != nil {
			return err
		}
		for _, path := range links {
			if target, err := os.Readlink(path); err == nil {
				used[filepath.Base(target)] = true
			}
		}
	}
	versions, err := os.ReadDir(filepath.Join(r.Folder, setsFolder))
	if err != nil {
		return err
	}
	for _, v := range versions {
		if !used[v.Name()] {
			if err := os.RemoveAll(filepath.Join(r.Folder, setsFolder, v.Name())); err != nil {
				return err
			}
			r.at("tidied")
		}
	}
	return nil
}

func exists(path string) bool { _, err := os.Lstat(path); return err == nil }
