package answer

import "dpki/pam/proc"

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
