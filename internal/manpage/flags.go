package manpage

import (
	"flag"
	"fmt"
	"strings"
)

// Flags describes flags as the standard library knows them.
func Flags(set *flag.FlagSet) string {
	var b strings.Builder
	set.VisitAll(func(f *flag.Flag) {
		boolean, ok := f.Value.(interface{ IsBoolFlag() bool })
		o := option{names: []string{f.Name}, usage: f.Usage, takesValue: !ok || !boolean.IsBoolFlag()}
		o.write(&b)
	})
	return b.String()
}

// option is one flag of whatever library. In its usage a word in backquotes
// names the value.
type option struct {
	names      []string // the longest first
	usage      string
	takesValue bool
	initial    string // default, where it says something
}

func (o option) write(b *strings.Builder) {
	var names []string
	for _, n := range o.names {
		if len(n) == 1 {
			names = append(names, bold("-"+n))
		} else {
			names = append(names, bold("--"+n))
		}
	}
	head := strings.Join(names, ", ")
	if o.takesValue {
		head += " " + italic(o.value())
	}
	fmt.Fprintf(b, ".TP\n%s\n%s\n", head, sentence(o.usage))
	if o.initial != "" {
		fmt.Fprintf(b, "Default: %s.\n", text(o.initial))
	}
}

// value is the name of the flag's value.
func (o option) value() string {
	if _, rest, ok := strings.Cut(o.usage, "`"); ok {
		if name, _, ok := strings.Cut(rest, "`"); ok {
			return name
		}
	}
	return "VALUE"
}
