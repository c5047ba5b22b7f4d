package enroll

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/file"
	"dpki/internal/network"
	"dpki/state"
)

// Move is how a device follows its organisation to the one that it goes on as.
// What decides that is package device's; here it is done.
type Move struct {
	From, To anchor.Anchor
	Zone     state.Word // in To
	Network  []byte     // text of the network file for To
	// Inherited is the record of what the device takes with it.
	Inherited []byte
}

// maxMoving bounds the file, in bytes: a network file, of which JSON writes a byte
// as six at most, and little more. What commit has written Finish must read.
const maxMoving = 6*network.MaxSize + 4096

// moving is the file form, JSON, unknown field = error.
type moving struct {
	Version int           `json:"version"` // 1
	From    anchor.Anchor `json:"from"`
	To      anchor.Anchor `json:"to"`
	Zone    state.Word    `json:"zone"`
	Network string        `json:"network"`
}

// Begin moves the device. Both journals are closed. Until the file Moving is
// there nothing has happened; from then on Finish, at the next start of the
// daemon, brings it to its end however often it is interrupted.
func Begin(p config.Paths, m Move) error {
	if _, err := m.commit(p); err != nil {
		return err
	}
	return Finish(p)
}

// commit writes what is to happen.
func (m Move) commit(p config.Paths) (*moving, error) {
	n, err := network.Parse(m.Network)
	if err != nil {
		return nil, err
	}
	if err := fits(n, m.To); err != nil {
		return nil, err
	}
	text := &moving{Version: 1, From: m.From, To: m.To, Zone: m.Zone, Network: string(m.Network)}
	b, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(p.Successor(), m.To)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(j.SetRecord(journal.RecordInherited, m.Inherited), j.Close()); err != nil {
		return nil, err
	}
	return text, file.Replace(p.Moving(), b, 0o600)
}

// Begun reports whether a move has begun and not ended.
func Begun(p config.Paths) bool {
	_, err := os.Lstat(p.Moving())
	return !errors.Is(err, fs.ErrNotExist)
}

// Finish brings a move that was begun to its end; mostly there is none.
func Finish(p config.Paths) error {
	m, err := readMoving(p.Moving())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Moving(), err)
	}
	for _, step := range m.steps(p) {
		if err := step(); err != nil {
			return fmt.Errorf("moving to %s: %w", m.To, err)
		}
	}
	return nil
}

// steps may each be done again.
func (m *moving) steps(p config.Paths) []func() error {
	return []func() error{
		func() error { return journal.Replace(p.Journal(), p.Successor(), m.To) },
		func() error { return config.Write(p.Network(), []byte(m.Network), 0o600) },
		func() error { return gone(p.Request()) }, // it speaks of the organisation of before
		func() error { return m.rename(p.Config()) },
		func() error { return gone(p.Moving()) },
	}
}

// rename writes the anchor, and the zone where one is named, into the
// configuration, and leaves the rest of an administrator's file as it is.
func (m *moving) rename(path string) error {
	text, err := config.Read(path, maxMoving)
	if err != nil {
		return err
	}
	old, err := config.Parse(text)
	if err != nil || old.Anchor == m.To {
		return err
	}
	next := bytes.ReplaceAll(text, []byte(m.From.String()), []byte(m.To.String()))
	want := old
	want.Anchor = m.To
	if !old.Zone.IsZero() {
		next, want.Zone = bytes.ReplaceAll(next, []byte(old.Zone.String()), []byte(m.Zone.String())), m.Zone
	}
	if got, err := config.Parse(next); err != nil || got != want {
		// Written in another way than ours: the same by ours.
		if next, err = want.Marshal(); err != nil {
			return err
		}
	}
	return config.Write(path, next, 0o644)
}

func readMoving(path string) (*moving, error) {
	text, err := config.Read(path, maxMoving)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	m := &moving{}
	if err := d.Decode(m); err != nil {
		return nil, err
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("version %d", m.Version)
	}
	return m, nil
}

func gone(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
