package manpage

import (
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"dpki/internal/harness"
)

func TestCommands(t *testing.T) {
	app := &cli.App{Name: "p", Commands: []*cli.Command{
		{Name: "noun", Usage: "not shown", Subcommands: []*cli.Command{{
			Name: "verb", Usage: "do it", ArgsUsage: "FILE...", Description: ".so not a request\nand \\f no font",
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "for", Aliases: []string{"f"}, Usage: "how long: `DURATION`", Value: "5m"},
				&cli.BoolFlag{Name: "pty", Usage: "allow it", Value: true},
				&cli.BoolFlag{Name: "off", Usage: "of `verb`: not this"},
				&cli.StringFlag{Name: "secret", Hidden: true},
			},
		}}},
		{Name: "hidden", Hidden: true},
	}}
	const want = `.SS \fBp noun verb\fR \fIFILE...\fR
Do it.
.PP
\&.so not a request
and \ef no font
.TP
\fB\-\-for\fR, \fB\-f\fR \fIDURATION\fR
How long: DURATION.
Default: 5m.
.TP
\fB\-\-pty\fR
Allow it.
Default: on.
.TP
\fB\-\-off\fR
Of verb: not this.
`
	if got := Commands(app); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFlags(t *testing.T) {
	set := flag.NewFlagSet("p", flag.ContinueOnError)
	set.Int("port", 0, "loopback `port`; 0 takes a free one")
	set.Bool("b", false, "be brief")
	const want = ".TP\n\\fB\\-b\\fR\nBe brief.\n.TP\n\\fB\\-\\-port\\fR \\fIport\\fR\nLoopback port; 0 takes a free one.\n"
	if got := Flags(set); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFill(t *testing.T) {
	const page = ".SH A\n.\\\" @a@\n.\\\" a comment\n.SH B\n"
	got, err := Fill(page, map[string]string{"a": "x\n"})
	if want := ".SH A\nx\n.\\\" a comment\n.SH B\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	for name, parts := range map[string]map[string]string{"missing": {}, "surplus": {"a": "", "b": ""}} {
		if _, err := Fill(page, parts); err == nil {
			t.Errorf("%s part: no error", name)
		}
	}
}

// groff warns of whatever it does not understand.
func TestPagesAreRoff(t *testing.T) {
	groff, err := exec.LookPath("groff")
	if err != nil {
		return // on a machine without groff nobody reads these pages either
	}
	pages, err := filepath.Glob(filepath.Join(harness.RepoRoot(), "packaging/man/*.[18]"))
	if err != nil || len(pages) < 4 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		out, err := exec.Command(groff, "-man", "-ww", "-z", page).CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "" {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}
