package admin

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"dpki/admin/home"
	"dpki/registry/segment"
	"dpki/state"
)

// segmentsFolder is where devices and mirrors look for segments below a folder.
const segmentsFolder = "segments"

// Exported is what ExportLog wrote.
type Exported struct {
	Folder   string `json:"folder"`
	Logs     int    `json:"logs"`
	Entries  int    `json:"entries"`
	Written  int    `json:"written"`  // segments, new or grown
	Standing int    `json:"standing"` // segments that were there already
}

// ExportLog writes the final entries of one device's mailbox, of one zone with
// its devices, or of everything, as log segments (registry/segment) to
// DIR/segments. Entries that may still be reorganised are left for another time,
// for a full segment never changes.
func (d *Desk) ExportLog(ctx context.Context, of, dir string) (*Exported, error) {
	scopes, err := d.exported(ctx, of)
	if err != nil {
		return nil, err
	}
	if err := d.need(ctx, scopes...); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, because(err, Usage, "name a folder", "the folder %q", dir)
	}
	out := &Exported{Folder: filepath.Join(abs, segmentsFolder)}
	if !d.DryRun {
		if err := os.MkdirAll(out.Folder, 0o755); err != nil {
			return nil, because(err, Failed, "name a folder that you may write to", "the folder cannot be made")
		}
	}
	for _, scope := range scopes {
		if err := d.exportScope(scope, out); err != nil {
			return nil, because(err, Failed, "name a folder that you may write to, on a disk with room", "a segment cannot be written")
		}
	}
	return out, nil
}

// exported are the logs that go together: the organisation's always, without
// which nobody can say who might write the others.
func (d *Desk) exported(ctx context.Context, of string) ([]state.Word, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	scopes, err := d.logScopes(of)
	if err == nil && !slices.Contains(scopes, d.Anchor.Org) {
		scopes = slices.Insert(scopes, 0, d.Anchor.Org)
	}
	return scopes, err
}

func (d *Desk) exportScope(scope state.Word, out *Exported) error {
	final := d.Ledger.Head().Finalized
	entries := slices.DeleteFunc(d.Ledger.Entries(scope), func(e state.Entry) bool { return e.Block > final })
	if len(entries) == 0 {
		return nil
	}
	out.Logs++
	out.Entries += len(entries)
	for _, s := range segment.Split(scope, entries) {
		b, err := s.Marshal()
		if err != nil {
			return err
		}
		path := filepath.Join(out.Folder, segment.Name(s.Scope, s.Index))
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if bytes.Equal(old, b) {
			out.Standing++
			continue
		}
		out.Written++
		if d.DryRun {
			continue
		}
		if err := home.Publish(path, b); err != nil {
			return err
		}
	}
	return nil
}
