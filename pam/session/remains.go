package session

import (
	"os"
	"slices"

	"dpki/pam/cgroup"
	"dpki/pam/proc"

	"golang.org/x/sys/unix"
)

// remains is what a session's end must find and kill, as it was known when the end began.
type remains struct {
	tree    *cgroup.Tree
	group   cgroup.Group
	monitor proc.Process
	family  []proc.Process // the lesser form only
}

func (m *Manager) remains(e *entry) remains {
	r := remains{tree: m.Tree, group: e.Group, monitor: e.Monitor}
	if m.lesser(e.Session) {
		e.meet()
		r.group, r.family = cgroup.Group{}, e.family
	}
	return r
}

// lesser reports whether only the process tree tells what belongs to the session.
func (m *Manager) lesser(s Session) bool { return s.Group.IsZero() || m.Tree == nil }

// meet adds to the family whoever belongs to it now. Those met earlier stay, wherever they have gone: their start times
// make sure that they are still themselves.
func (e *entry) meet() {
	var known []proc.Process
	for _, p := range e.family {
		if p.Alive() {
			known = append(known, p)
		}
	}
	for _, p := range family(e.Monitor) {
		if !slices.Contains(known, p) {
			known = append(known, p)
		}
	}
	e.family = known
}

// kill returns nil when nothing is left.
func (r remains) kill() error {
	if !r.group.IsZero() {
		if err := r.tree.Kill(r.group, killWithin); err != nil {
			return err
		}
		if err := r.tree.Remove(r.group); err != nil {
			return err
		}
	}
	// The monitor is in the group, unless somebody moved it.
	all := append(slices.Clone(r.family), r.monitor)
	for _, p := range all {
		kill(p)
	}
	for _, p := range all {
		waitFor(p, killWithin)
		if p.Alive() {
			return cgroup.ErrNotEmpty
		}
	}
	return nil
}

func kill(p proc.Process) {
	if p.PID <= 1 || int(p.PID) == os.Getpid() {
		return
	}
	h, err := p.Open()
	if err != nil {
		return
	}
	defer h.Close()
	h.Signal(unix.SIGKILL)
}

// family is the monitor's descendants, and whoever shares a process session (setsid(2)) with one of them: a child whose
// parent has ended is init's child, but stays in the session that it did not leave.
func family(monitor proc.Process) []proc.Process {
	pids, err := proc.PIDs()
	if err != nil || !monitor.Alive() {
		return nil
	}
	type node struct {
		proc.Process
		parent, session int32
	}
	var all []node
	for _, pid := range pids {
		if s, err := proc.ReadStat(pid); err == nil {
			all = append(all, node{proc.Process{PID: pid, Start: s.Start}, s.Parent, s.Session})
		}
	}
	in := map[int32]bool{monitor.PID: true}
	sessions := map[int32]bool{}
	for grew := true; grew; {
		grew = false
		for _, n := range all {
			if in[n.PID] || !in[n.parent] && !sessions[n.session] {
				continue
			}
			in[n.PID], grew = true, true
			// Only a session that began below the monitor: the monitor's own may be the service's.
			if in[n.session] && n.session != monitor.PID {
				sessions[n.session] = true
			}
		}
	}
	var found []proc.Process
	for _, n := range all {
		if in[n.PID] && n.Process != monitor {
			found = append(found, n.Process)
		}
	}
	return found
}

// ancestors lists the process and its parents, at most 32 of them.
func ancestors(p proc.Process) []proc.Process {
	list := []proc.Process{p}
	for range 32 {
		parent, err := p.Parent()
		if err != nil {
			break
		}
		list = append(list, parent)
		p = parent
	}
	return list
}
