package cliargs

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func app() *cli.App {
	return &cli.App{
		Name: "dpki", Version: "1",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "json"}, &cli.StringFlag{Name: "home"}},
		Commands: []*cli.Command{
			{Name: "grant", Aliases: []string{"g"}, Flags: []cli.Flag{
				&cli.StringFlag{Name: "for"}, &cli.StringFlag{Name: "account", Aliases: []string{"a"}}, &cli.BoolFlag{Name: "pty"}, &cli.StringFlag{Name: "odd"},
			}},
			{Name: "zone", Subcommands: []*cli.Command{
				{Name: "create", Flags: []cli.Flag{&cli.BoolFlag{Name: "json"}, &cli.BoolFlag{Name: "odd"}}},
				{Name: "list"},
			}},
		},
	}
}

func TestPermute(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"dpki grant gate-7 --for 5m", "dpki grant --for 5m -- gate-7"},
		{"dpki --for 5m grant gate-7", "dpki grant --for 5m -- gate-7"},
		{"dpki grant --for=5m gate-7 --json", "dpki --json grant --for=5m -- gate-7"},
		{"dpki grant gate-7 -a root --home /x --pty=false", "dpki --home /x grant -a root --pty=false -- gate-7"},
		{"dpki zone create --json a b", "dpki zone create --json -- a b"},
		{"dpki zone list --json", "dpki --json zone list"},
		{"dpki g x", "dpki grant -- x"},
		{"dpki grant x -- -v --for", "dpki grant -- x -v --for"},
		{"dpki grant x -", "dpki grant -- x -"},
		{"dpki grant --for --pty x", "dpki grant --for --pty -- x"}, // a value may look like a flag, as in package flag
		{"dpki zone --help", "dpki zone --help"},
		{"dpki grant gate-7 --help", "dpki grant --help"},
		{"dpki -h grant list", "dpki grant -h"},
		{"dpki --version", "dpki --version"},
		{"dpki help", "dpki --help"},
		{"dpki help grant", "dpki grant --help"},
		{"dpki help zone list", "dpki zone list --help"},
		{"dpki grant help", "dpki grant -- help"},
		{"dpki", "dpki"},
	} {
		got, err := Permute(app(), strings.Fields(c.in))
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, %v; want %s", c.in, strings.Join(got, " "), err, c.want)
		}
	}
}

func TestPermuteRefuses(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"dpki grant x --fro 5m", "has no flag --fro"},
		{"dpki zone list --for 5m", "has no flag --for"},
		{"dpki --pty zone list", "has no flag --pty"},
		{"dpki grant x --for", "needs a value"},
		{"dpki gramt x", `no command "gramt"`},
		{"dpki zone creat", `no command "creat"`},
		{"dpki --odd 1 grant x", "after its command"},
		{"dpki grant -1", "has no flag -1"},
	} {
		_, err := Permute(app(), strings.Fields(c.in))
		var usage *UsageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v; want a usage error with %q", c.in, err, c.want)
		}
	}
	_, err := Permute(app(), strings.Fields("dpki gramt"))
	var usage *UsageError
	if errors.As(err, &usage); usage == nil || usage.Hint != "did you mean dpki grant?" {
		t.Errorf("hint for a mistyped command: %+v", usage)
	}
	for in, want := range map[string]string{
		"dpki grant x --fro y": "did you mean --for? see dpki grant --help", "dpki grant x --hmoe y": "did you mean --home? see dpki grant --help",
		"dpki grant x --frobnicate": "see dpki grant --help",
	} {
		_, err := Permute(app(), strings.Fields(in))
		if usage = nil; !errors.As(err, &usage) || usage.Hint != want {
			t.Errorf("%s: hint %+v, want %q", in, usage, want)
		}
	}
}

// What the library makes of a permuted line: the flag has its value, whatever
// side of the argument it stood on.
func TestLibraryReadsPermuted(t *testing.T) {
	for _, in := range []string{"dpki grant gate-7 --for 5m", "dpki grant --for 5m gate-7", "dpki --for 5m grant gate-7"} {
		a := app()
		var got []string
		a.Commands[0].Action = func(c *cli.Context) error {
			got = append(c.Args().Slice(), c.String("for"))
			return nil
		}
		a.Writer, a.ErrWriter = io.Discard, io.Discard
		args, err := Permute(a, strings.Fields(in))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Run(args); err != nil || !slices.Equal(got, []string{"gate-7", "5m"}) {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
}
