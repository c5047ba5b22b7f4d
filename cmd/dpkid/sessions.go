package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"dpki/device/answer"
	"dpki/device/sshd"
	"dpki/internal/anchor"
	"dpki/internal/socket"
	"dpki/pam/cgroup"

	"github.com/urfave/cli/v2"
)

// tree is where sessions are held together; nil where the kernel has no cgroup2.
// The subtree is the organisation's, because what a daemon finds in its own and
// cannot explain it ends: two daemons of one kernel, in containers that see one
// hierarchy, must not share one.
func tree(a anchor.Anchor, log *slog.Logger) *cgroup.Tree {
	t, err := cgroup.Find("dpki-" + a.Org.String()[:16])
	if err != nil {
		log.Warn("sessions are held together by their sshd process only", "error", err)
		return nil
	}
	return t
}

// governs asks the drop-in whom dpki decides for. One that cannot be read
// governs everybody.
func governs(ctx context.Context, program string) func(string) bool {
	s := sshd.Setup{Server: sshd.Server{Program: program, Config: sshdConfig}}
	return func(account string) bool {
		g, err := s.Installed()
		if errors.Is(err, sshd.ErrNotSetUp) {
			return false
		}
		return err != nil || g.Holds(ctx, account)
	}
}

// alone asks the drop-in whether PAM was left alone: then sessions are seen by
// sshd's processes.
func alone(ctx context.Context, program string) func(string) bool {
	s := sshd.Setup{Server: sshd.Server{Program: program, Config: sshdConfig}}
	return func(account string) bool {
		g, err := s.Installed()
		return err == nil && g.NoPAM && g.Holds(ctx, account)
	}
}

func (e *env) sessionsCommand() *cli.Command {
	return &cli.Command{
		Name: "sessions", Usage: "who is logged in through dpki, and until when",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print it as JSON"}},
		Action: e.arguments(0, 0, e.sessions),
	}
}

// allSessions asks until nothing follows, and gives the oldest first.
func (e *env) allSessions(ctx context.Context) ([]answer.SessionRecord, error) {
	all := []answer.SessionRecord{}
	for after := int32(0); ; after = all[len(all)-1].Monitor {
		var page []answer.SessionRecord
		if err := e.ask(ctx, &page, socket.Sessions, fmt.Sprint(after)); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			slices.SortStableFunc(all, func(a, b answer.SessionRecord) int { return cmp.Compare(a.Opened, b.Opened) })
			return all, nil
		}
		all = append(all, page...)
	}
}

func (e *env) sessions(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	all, err := e.allSessions(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(e.stdout).Encode(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(e.stderr, "dpkid: nobody is logged in through dpki")
	}
	for _, s := range all {
		by := "grant " + s.Grant
		switch {
		case s.BreakGlass:
			by = "BREAK-GLASS key"
		case s.Grant == "":
			by = "certificate"
		}
		if _, err := fmt.Fprintf(e.stdout, "%-12s %s  for %v, until %s  from %s  %s (%s, pid %d)\n", s.Account, s.Fingerprint,
			time.Duration(s.Seconds)*time.Second, time.Unix(int64(s.Until), 0).UTC().Format(time.RFC3339), s.Remote, by, s.Form, s.Monitor); err != nil {
			return err
		}
	}
	return nil
}
