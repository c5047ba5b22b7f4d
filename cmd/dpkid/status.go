package main

import (
	"dpki/device"
	"dpki/internal/socket"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

func (e *env) statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "what the daemon knows; 0 = logins are decided, 4 = not yet or not any more",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "print it as JSON"},
			&cli.BoolFlag{Name: "metrics", Usage: "print it in Prometheus' text format, and end with 0 where there is an answer"},
		},
		Action: e.arguments(0, 0, e.status),
	}
}

func (e *env) status(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	var s device.Status
	if err := e.ask(c.Context, &s, socket.Status); err != nil {
		return err
	}
	if c.Bool("metrics") {
		return metrics(e.stdout, s)
	}
	if c.Bool("json") {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(s); err != nil {
			return err
		}
	} else if err := e.showStatus(s); err != nil {
		return err
	}
	if !s.Decides() {
		return &failure{code: exitLater}
	}
	return nil
}

func (e *env) showStatus(s device.Status) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("anchor", "%s", s.Anchor)
	if s.Enrolled {
		retired := ""
		if s.Retired {
			retired = ", retired"
		}
		line("device", "%s in zone %s%s", s.Name, s.ZoneName, retired)
		line("id", "%s", s.Device)
		line("zone keys", "%v", s.ZoneKeys)
	} else {
		line("device", "not enrolled yet")
	}
	if s.Block == 0 {
		line("state", "%s, nothing of the chain is known yet", s.Freshness)
	} else {
		line("state", "%s, %s old, block %d", s.Freshness, time.Duration(s.Age)*time.Second, s.Block)
		line("final", "block %d (safe %d)", s.Finalized, s.Safe)
	}
	if s.Time != 0 {
		line("time", "%s (clock %+ds)", time.Unix(int64(s.Time), 0).UTC().Format(time.RFC3339), int64(s.Wall)-int64(s.Time))
	}
	line("gear", "%s", s.Gear)
	line("endpoints", "%s", s.Trust())
	for _, h := range s.Health {
		if !h.OK {
			line("", "%s: %s", h.Name, h.Problem)
		}
	}
	line("grants", "%d live", s.Grants)
	line("user CAs", "%d live", s.CAs)
	if s.Opaque > 0 {
		line("unread", "%d entries, for which this device has no key", s.Opaque)
	}
	for _, d := range s.Delivered {
		if d.Result != device.Superseded {
			line("delivered", "%s %s: %s (%s)", d.Purpose, d.Name, d.Result, d.Subject.String()[:12])
		}
	}
	if s.Awaited > 0 {
		line("awaited", "%d deliveries that could not be applied yet", s.Awaited)
	}
	if s.Unsigned > 0 {
		line("not co-signed", "%d of them: fewer watchdogs than the policy demands have signed", s.Unsigned)
	}
	if s.Successor != nil {
		line("successor", "%s", s.Successor.Anchor)
		line("", "%s", strings.Join(slices.DeleteFunc([]string{s.Successor.Stage, s.Successor.Problem}, func(text string) bool { return text == "" }), ": "))
	}
	for _, left := range s.Left {
		line("came from", "%s", left)
	}
	for _, p := range []struct{ name, text string }{{"delivery", s.Unapplied}, {"problem", s.Problem}, {"journal", s.Journal}, {"next", s.Next}} {
		if p.text != "" {
			line(p.name, "%s", p.text)
		}
	}
	_, err := io.WriteString(e.stdout, b.String())
	return err
}
