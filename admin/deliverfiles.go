package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dpki/admin/home"
	"dpki/bundle"
	"dpki/state"
)

// DeliverFiles is what `deliver files` asks for.
type DeliverFiles struct {
	Delivering
	Name  string   // of the set
	Paths []string // files, by their last name, and folders, with what lies in them
}

// DeliverFiles delivers a set of files.
func (d *Desk) DeliverFiles(ctx context.Context, r DeliverFiles) (*Deliveries, error) {
	if !state.ValidName(r.Name) {
		return nil, problem(Usage, "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit", "%.80q cannot be a set's name", r.Name)
	}
	set, err := readFiles(r.Name, r.Paths)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, f := range set.Files {
			clear(f.Content)
		}
	}()
	return d.deliver(ctx, errand{Delivering: r.Delivering, purpose: bundle.PurposeFiles, name: r.Name, pack: func(_ context.Context, p *parcel) error {
		var err error
		p.content, err = set.Marshal()
		return because(err, Usage, "at most 256 files and 250 KiB in all, writable by their owner alone", "these files cannot be delivered")
	}})
}

// readFiles reads the set. Links are not followed: what a link points to is
// seldom meant.
func readFiles(name string, paths []string) (*bundle.Files, error) {
	set := &bundle.Files{Version: 1, Name: name}
	total := 0
	add := func(path, as string) error {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return errors.New("it is no plain file")
		}
		content, err := home.Read(path, bundle.MaxContent-total)
		if err != nil {
			return err
		}
		total += len(content)
		set.Files = append(set.Files, bundle.File{Path: as, Mode: fmt.Sprintf("%04o", info.Mode().Perm()&0o755), Content: content})
		return nil
	}
	for _, path := range paths {
		at := path
		err := filepath.WalkDir(path, func(p string, e fs.DirEntry, err error) error {
			at = p
			if err != nil || e.IsDir() {
				return err
			}
			as := filepath.Base(p)
			if p != path {
				as = strings.TrimPrefix(p, strings.TrimSuffix(path, "/")+"/")
			}
			return add(p, filepath.ToSlash(as))
		})
		if err != nil {
			return nil, because(err, Usage, "name plain files, or folders of them", "%.200q cannot be delivered", at)
		}
	}
	slices.SortFunc(set.Files, func(a, b bundle.File) int { return strings.Compare(a.Path, b.Path) })
	return set, nil
}
