package session

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dpki/authkeys"
	"dpki/pam/cgroup"
	"dpki/pam/proc"
)

// maxRegister bounds the file: MaxSessions certificates of 2 KiB.
const maxRegister = 16 << 20

// register is the file: JSON, an unknown field or version is an error.
type register struct {
	Version  int       `json:"version"`
	Boot     string    `json:"boot"` // process ids mean nothing in another boot
	Sessions []Session `json:"sessions"`
}

// save needs mu. It replaces the file by a rename, so that a crash leaves the old one or the new one.
func (m *Manager) save() error {
	boot, err := proc.BootID()
	if err != nil {
		return err
	}
	b, err := json.Marshal(register{Version: 1, Boot: boot, Sessions: m.list()})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(m.File), filepath.Base(m.File)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), m.File)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

// load gives what a register holds. With an error that is whom it still names: they cannot go on, for nobody knows until when.
func load(path string) (register, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return register{Version: 1}, nil
	}
	if err != nil {
		return register{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRegister+1))
	if err != nil {
		return register{}, err
	}
	r, err := parseRegister(b)
	if err != nil {
		return named(b), err
	}
	return r, nil
}

// named reads what every version of the register has, and no more: the processes and groups.
func named(b []byte) register {
	var loose struct {
		Boot     string `json:"boot"`
		Sessions []struct {
			Monitor proc.Process `json:"monitor"`
			Group   cgroup.Group `json:"group"`
		} `json:"sessions"`
	}
	if len(b) > maxRegister || json.Unmarshal(b, &loose) != nil || len(loose.Sessions) > MaxSessions {
		return register{}
	}
	r := register{Boot: loose.Boot}
	for _, s := range loose.Sessions {
		if s.Monitor.PID > 1 && int(s.Monitor.PID) != os.Getpid() {
			r.Sessions = append(r.Sessions, Session{Monitor: s.Monitor, Group: s.Group})
		}
	}
	return r
}

func parseRegister(b []byte) (register, error) {
	if len(b) > maxRegister {
		return register{}, errors.New("session: the register is too long")
	}
	var r register
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return register{}, fmt.Errorf("session: register: %w", err)
	}
	if _, err := d.Token(); err != io.EOF || r.Version != 1 || len(r.Sessions) > MaxSessions {
		return register{}, errors.New("session: the register is malformed")
	}
	return r, nil
}

// Restore takes up what the register holds: call it once, before sessions are opened. What it cannot take up it ends. A register that
// cannot be read is replaced: whom it still names is ended, and every group of ours is. An error says that sessions cannot be
// recorded, and none will open.
func (m *Manager) Restore() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.init()
	r, err := load(m.File)
	lost := err != nil
	if lost {
		m.logf("session: the register is lost: %v", err)
		m.audit(Event{What: Stuck, Reason: Lost})
	}
	boot, err := proc.BootID()
	if err != nil {
		return err
	}
	if r.Boot != boot {
		r.Sessions = nil
	}
	for _, s := range r.Sessions {
		h, err := s.Monitor.Open()
		if err != nil {
			// What the monitor left behind: its group, if it is still that group, is ended like any other session.
			h = &proc.Handle{Process: s.Monitor}
		}
		e := &entry{Session: s, handle: h, warned: s.Until}
		if s.Until > m.now()+WarnBefore {
			e.warned = 0
		}
		m.live[s.Monitor] = e
		switch {
		case err != nil:
			m.start(e, MonitorGone)
			continue
		case lost:
			m.start(e, Lost)
			continue
		}
		m.watch(e)
		m.audit(m.event(Resumed, s, authkeys.Accepted.String()))
	}
	m.sweep()
	return m.save()
}

// sweep ends groups of ours that no session owns. It needs mu.
func (m *Manager) sweep() {
	if m.Tree == nil {
		return
	}
	groups, err := m.Tree.Own()
	if err != nil {
		m.logf("session: %v", err)
	}
	owned := map[cgroup.Group]bool{}
	for _, e := range m.live {
		owned[e.Group] = true
	}
	for _, g := range groups {
		if owned[g] {
			continue
		}
		if !m.Tree.Empty(g) {
			m.audit(Event{What: Ending, Session: Session{Group: g}, Reason: Unrecorded})
		}
		m.workers.Go(func() {
			err := m.Tree.Kill(g, killWithin)
			if err == nil {
				err = m.Tree.Remove(g)
			}
			if err != nil {
				m.logf("session: %s: %v", g.Path, err)
			}
		})
	}
}
