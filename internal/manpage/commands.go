package manpage

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Commands describes every command of a program that is not hidden, in the
// program's own order, each with its flags.
func Commands(app *cli.App) string {
	var b strings.Builder
	for _, c := range app.Commands {
		describe(&b, app.Name, c)
	}
	return b.String()
}

func describe(b *strings.Builder, above string, c *cli.Command) {
	if c.Hidden {
		return
	}
	name := above + " " + c.Name
	if len(c.Subcommands) > 0 {
		for _, s := range c.Subcommands {
			describe(b, name, s)
		}
		return
	}
	fmt.Fprintf(b, ".SS %s\n", strings.TrimSpace(bold(name)+" "+italic(c.ArgsUsage)))
	fmt.Fprintf(b, "%s\n", sentence(c.Usage))
	if c.Description != "" {
		fmt.Fprintf(b, ".PP\n%s\n", text(c.Description))
	}
	b.WriteString(Options(c.Flags))
}

// Options describes flags as urfave/cli knows them.
func Options(flags []cli.Flag) string {
	var b strings.Builder
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if v, hides := f.(cli.VisibleFlag); !ok || hides && !v.IsVisible() || f.Names()[0] == "help" || f.Names()[0] == "version" {
			continue
		}
		o := option{names: f.Names(), usage: d.GetUsage(), takesValue: d.TakesValue()}
		// What cli shows as default of a text is quoted, of a list or of nothing empty; a number that was not given is none.
		switch v := strings.Trim(d.GetDefaultText(), `"`); {
		case !o.takesValue:
			o.initial = map[string]string{"true": "on"}[v]
		case v != "-1" && v != "0" && v != "0s":
			o.initial = v
		}
		o.write(&b)
	}
	return b.String()
}
