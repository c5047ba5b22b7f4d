package pam

import (
	"context"
	"time"

	"dpki/authkeys"
	"dpki/pam/proc"
	"dpki/pam/session"
)

// The lesser form, where sshd does not ask PAM: the daemon sees a login by sshd's processes alone. Until it, a child without privileges
// speaks to the network for the monitor (sshd.c, privsep_preauth). When that child ends, either the monitor ends too, for nobody has
// logged in, or it stays: then the last key that the helper allowed is the one that logged in, if sshd takes no other
// method (AuthenticationMethods publickey) and no other keys, which set-up sees to.
//
// What is lesser: the key is not named by sshd itself, the user is told nothing at the start, and root's session, for which sshd
// makes no process of its own, begins for the daemon up to loginSettles late. The group exists before the login, so that
// everything the session starts is in it.

// loginSettles is for how long a monitor must outlive its child to be somebody's session, where no other process shows it.
const loginSettles = time.Second

// follow waits, beside the answer to the helper, for what becomes of the login. One wait serves all answers of a monitor.
func (h *Handler) follow(monitor proc.Process) {
	h.Sessions.Gather(monitor)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.following == nil {
		h.following = map[proc.Process]bool{}
	}
	if h.following[monitor] || len(h.following) >= maxMonitors {
		return
	}
	front := children(monitor)
	if len(front) == 0 {
		return
	}
	h.following[monitor] = true
	go func() {
		h.await(monitor, front)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.following, monitor)
	}()
}

func (h *Handler) await(monitor proc.Process, front []proc.Process) {
	ctx, cancel := context.WithTimeout(context.Background(), offerAge)
	defer cancel()
	for _, p := range front {
		if ended(ctx, p) != nil {
			return
		}
	}
	if !staysLoggedIn(monitor, front) {
		return
	}
	l := login{monitor: monitor}
	var asked bool
	l.offer, asked = h.Monitors.Last(monitor)
	h.Monitors.Forget(monitor)
	if err := h.admit(ctx, l, asked); err != nil {
		endLogin(monitor)
		h.refuse(authkeys.StageSession, question{service: "sshd", user: l.offer.Account}, l, err)
	}
}

// admit enters the session, as enter does where PAM opens it.
func (h *Handler) admit(ctx context.Context, l login, asked bool) error {
	if err := l.offered(asked, l.offer.Account); err != nil {
		return err
	}
	d, err := h.decide(ctx, authkeys.StageSession, l)
	if err != nil {
		return err
	}
	_, err = h.Sessions.Open(session.Session{
		Monitor: l.monitor, Account: l.offer.Account, Service: "sshd", Alone: true,
		KeyType: l.offer.KeyType, Key: l.offer.Key, Hash: d.Key, CA: d.CA, Grant: d.Grant, Mode: d.Mode,
	})
	return err
}

// staysLoggedIn reports whether the monitor outlives its child: a process of its own for the session shows it at once.
func staysLoggedIn(monitor proc.Process, front []proc.Process) bool {
	for deadline := time.Now().Add(loginSettles); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if !monitor.Alive() {
			return false
		}
		for _, p := range children(monitor) {
			if p != front[0] && p.Alive() {
				return true
			}
		}
	}
	return monitor.Alive()
}

// children are the monitor's children that are sshd themselves: not the helper.
func children(monitor proc.Process) (found []proc.Process) {
	pids, err := proc.PIDs()
	if err != nil {
		return nil
	}
	for _, pid := range pids {
		s, err := proc.ReadStat(pid)
		if err != nil || s.Parent != monitor.PID {
			continue
		}
		if p := (proc.Process{PID: pid, Start: s.Start}); isSSHD(p) {
			found = append(found, p)
		}
	}
	return found
}

func ended(ctx context.Context, p proc.Process) error {
	handle, err := p.Open()
	if err != nil {
		return nil // it has ended
	}
	defer handle.Close()
	return handle.Wait(ctx)
}
