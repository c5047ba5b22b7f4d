package pamd

import (
	"fmt"
	"strings"
)

// Subjects are the accounts and groups that a service's lines are for.
type Subjects struct{ Users, Groups []string }

// Sudo is what dpki asks of sudo.
type Sudo string

// The zero value leaves sudo alone.
const (
	NoSudo      Sudo = ""
	ByKey       Sudo = "key"     // the session's key, by its forwarded agent, and a grant with sudo
	AccountOnly Sudo = "account" // sudo asks as before; the session's grant must allow it
)

// The controls. What is not named refuses.
const (
	// onlyRefuses: the module's success adds nothing to the stack.
	onlyRefuses = "[success=ignore default=bad]"
	// andAbsent: nor does an absent daemon, or an absent module.
	andAbsent = "[success=ignore ignore=ignore authinfo_unavail=ignore module_unknown=ignore default=bad]"
	// alone: no other way of proving oneself is asked for.
	alone = "[success=done default=die]"
)

// note has the module see what sshd says of the login before other modules may say something else, as pam_env does for whoever may
// write to the account's home.
const note = "session  " + andAbsent + "  pam_dpki.so note\n"

// login are the lines of sshd's service: those of account come first, so that nothing before them ends the stack, and those of
// session last, behind pam_systemd, whose scope the session then is.
func login(s Subjects) (first, last string) {
	return s.rule("account", andAbsent, 0) + note, s.rule("session", andAbsent, 0)
}

// elevate are the lines of sudo's services.
func elevate(s Subjects, how Sudo) (first string) {
	if how == ByKey {
		first = s.rule("auth", alone, 1)
	}
	return first + s.rule("account", onlyRefuses, 1)
}

// rule is the module's line of one type, and before it what skips it. exempt is 1 where root is skipped too.
func (s Subjects) rule(kind, control string, exempt int) string {
	text := ""
	if exempt == 1 {
		text = fmt.Sprintf("%s  [success=2 default=ignore]  pam_succeed_if.so quiet uid eq 0\n", kind)
	}
	return text + fmt.Sprintf("%s  [success=1 default=ignore]  pam_succeed_if.so quiet%s\n%s  %s  pam_dpki.so\n", kind, s.others(), kind, control)
}

// others is the condition (pam_succeed_if(8)) of all accounts but these: sshd's Match User and Match Group, turned round.
func (s Subjects) others() string {
	text := ""
	if len(s.Users) > 0 {
		text = " user notin " + strings.Join(s.Users, ":")
	}
	for _, g := range s.Groups {
		text += " user notingroup " + g
	}
	return text
}
