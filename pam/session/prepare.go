package session

import (
	"os"

	"dpki/pam/cgroup"
	"dpki/pam/proc"
)

// maxPrepared bounds the groups of logins in progress. A login beyond it makes its group when the session opens.
const maxPrepared = 256

// prepared is the group of a login that has not opened a session yet.
type prepared struct {
	made    chan struct{} // closed when group is set, or could not be made
	group   cgroup.Group
	claimed bool // a session has it
}

// Prepare makes the group of a login whose key was allowed, beside what sshd still has to do. To move a process takes the
// kernel some 15 ms of waiting for an RCU grace period (cgroup_attach_lock), a tenth of a whole login. A login that does not
// come to a session loses its group with its monitor. Where systemd runs, logind makes a scope and there is nothing to prepare.
func (m *Manager) Prepare(monitor proc.Process) {
	if m.Tree == nil || booted() {
		return
	}
	m.prepare(monitor)
}

// Gather is Prepare for a login that nobody announces and logind knows nothing of: it returns when the group is there, for what sshd
// starts next is the session's.
func (m *Manager) Gather(monitor proc.Process) {
	if m.Tree == nil {
		return
	}
	if p := m.prepare(monitor); p != nil {
		<-p.made
	}
}

func (m *Manager) prepare(monitor proc.Process) *prepared {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.init()
	if p := m.prepared[monitor]; p != nil {
		return p
	}
	if len(m.prepared) >= maxPrepared || m.ctx.Err() != nil || m.live[monitor] != nil {
		return nil
	}
	h, err := monitor.Open()
	if err != nil {
		return nil
	}
	p := &prepared{made: make(chan struct{})}
	m.prepared[monitor] = p
	m.workers.Go(func() { m.attend(p, h) })
	return p
}

// attend makes the group, and removes it if the monitor ends without a session.
func (m *Manager) attend(p *prepared, h *proc.Handle) {
	defer h.Close()
	g, err := m.Tree.Make(h.Process)
	if err != nil {
		m.logf("session: no cgroup for process %d: %v", h.PID, err)
	}
	p.group = g
	close(p.made)
	ended := h.Wait(m.ctx) == nil
	m.mu.Lock()
	delete(m.prepared, h.Process)
	idle := ended && !p.claimed && !g.IsZero()
	m.mu.Unlock()
	if idle {
		if err := (remains{tree: m.Tree, group: g, monitor: h.Process}).kill(); err != nil {
			m.logf("session: %s: %v", g.Path, err)
		}
	}
}

// place finds or makes the group for a monitor. None is the lesser form.
func (m *Manager) place(monitor proc.Process) cgroup.Group {
	if m.Tree == nil {
		return cgroup.Group{}
	}
	if g, err := m.Tree.Scope(monitor); err == nil {
		return g
	}
	if p := m.prepare(monitor); p != nil {
		<-p.made
		return p.group
	}
	g, err := m.Tree.Make(monitor)
	if err != nil {
		m.logf("session: no cgroup for process %d: %v", monitor.PID, err)
	}
	return g
}

// claim needs mu. From here on the group is the session's to end.
func (m *Manager) claim(monitor proc.Process) {
	if p := m.prepared[monitor]; p != nil {
		p.claimed = true
	}
}

// booted reports whether systemd is process 1 (sd_booted(3)).
func booted() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}
