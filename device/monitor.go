package device

import (
	"sync"

	"dpki/authkeys"
	"dpki/pam/proc"
)

const (
	maxMonitors = 4096
	// fewMonitors are not worth looking through: sshd itself admits 100
	// connections that have not logged in (MaxStartups).
	fewMonitors = 128
	// maxAnswers is how many answers one connection keeps. sshd ends it after
	// MaxAuthTries keys (6); each costs up to two.
	maxAnswers = 32
)

// Answer is what sshd's helper was told for one connection.
type Answer struct {
	// Request is what was asked; zero where it was refused: strangers offer
	// certificates of 24 KB, and PAM needs those that were accepted.
	Request  authkeys.Request
	Decision authkeys.Decision
}

// Monitors remembers the answers of each connection by the sshd process that
// serves it, because PAM asks about the same process later. The zero value is
// ready.
type Monitors struct {
	mu      sync.Mutex
	answers map[proc.Process][]Answer
	pruneAt int // how many connections there may be before the ended ones are looked for
}

// Add notes an answer. Connections that have ended make room, long before the
// table is full: it is at most twice as large as when it was last looked through.
func (m *Monitors) Add(p proc.Process, a Answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answers == nil {
		m.answers = map[proc.Process][]Answer{}
	}
	if !a.Decision.Allow {
		a.Request = authkeys.Request{}
	}
	if _, known := m.answers[p]; !known && len(m.answers) >= max(m.pruneAt, fewMonitors) {
		m.prune()
		m.pruneAt = min(2*len(m.answers), maxMonitors)
	}
	list := m.answers[p]
	if len(list) >= maxAnswers {
		list = list[1:]
	}
	m.answers[p] = append(list[:len(list):len(list)], a)
}

// Answers are those of one connection, oldest first. PAM goes by the last.
func (m *Monitors) Answers(p proc.Process) []Answer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answers[p]
}

// prune drops connections that ended; if all live, it drops everything: who is
// forgotten is denied, and may connect again.
func (m *Monitors) prune() {
	for p := range m.answers {
		if !p.Alive() {
			delete(m.answers, p)
		}
	}
	if len(m.answers) >= maxMonitors {
		clear(m.answers)
	}
}

// monitorOf finds the sshd that started the helper: parent and program, from
// the kernel. ok is false where that is not an sshd; PAM will then know nothing
// of it.
func monitorOf(helper int32) (monitor proc.Process, ok bool) {
	p, err := proc.Find(helper)
	if err != nil {
		return proc.Process{}, false
	}
	if monitor, err = p.Parent(); err != nil {
		return proc.Process{}, false
	}
	switch exe, err := monitor.Exe(); {
	case err != nil:
		return proc.Process{}, false
	// sshd-session is the monitor since OpenSSH 9.8, sshd-auth its child since 10.0.
	case exe == "sshd", exe == "sshd-session", exe == "sshd-auth":
		return monitor, true
	}
	return proc.Process{}, false
}
