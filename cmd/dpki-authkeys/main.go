// Command dpki-authkeys is sshd's AuthorizedKeysCommand. sshd runs it as
//
//	AuthorizedKeysCommand /usr/lib/dpki/dpki-authkeys %u %t %k
//	AuthorizedKeysCommandUser dpki-authkeys
//
// twice a login: for a key that is offered, and for its signature; it cannot tell which. It hands the question to the daemon,
// prints at most one line and logs at most one. It parses no key, opens nothing but Unix sockets, and reads files only where the daemon is
// absent (package breakglass).
//
// Everything that is not an answer denies: a daemon that is slow, gone in mid-answer or not root, an answer that is not one printable
// line. Only "no such socket" and "nobody listens" mean that the daemon is absent.
//
// Exit status: 0 decided, 1 failed. sshd discards the output of the latter, and standard error always: what the log is told is
// also written there where it is a terminal, for somebody who tries the command by hand.
package main

import (
	"os"
	"time"

	"dpki/authkeys/breakglass"
)

// version is set by the linker.
var version = "devel"

func main() {
	os.Exit(run(os.Args[1:], helper{
		socket:     "/run/dpki/authkeys.sock",
		daemon:     0,
		log:        syslog{path: "/dev/log", tag: "dpki-authkeys"},
		breakGlass: breakglass.System(),
		timeout:    2 * time.Second,
		now:        time.Now,
		identity:   identify,
		stdout:     os.Stdout,
		person:     person(os.Stderr),
		exit:       os.Exit,
	}))
}

// run is main with its surroundings given. Tests give others; there is no flag and no environment variable for that.
func run(args []string, h helper) int {
	if len(args) == 1 && args[0] == "--version" {
		h.stdout.Write([]byte("dpki-authkeys " + version + "\n"))
		return 0
	}
	// Whatever hangs, a folder on a dead network disk among them, must not hold a login until LoginGraceTime.
	watchdog := time.AfterFunc(h.timeout+h.timeout/4, func() { h.exit(1) })
	defer watchdog.Stop()
	v := h.decide(args)
	if h.print(v.line) != nil {
		v = verdict{message: v.message + "; the line could not be written to sshd", severity: warning, failed: true}
	}
	h.log.write(v.severity, v.message, h.now())
	if h.person != nil {
		h.person.Write([]byte("dpki-authkeys: " + clean(v.message) + "\n"))
	}
	if v.failed {
		return 1
	}
	return 0
}
