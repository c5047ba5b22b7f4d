package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

func (t *tool) completionCommand() *cli.Command {
	return verb("completion", "bash|zsh|fish", "print a completion script for a shell", 1, 1, t.completion)
}

// completion is made from the commands themselves, so it cannot drift.
func (t *tool) completion(c *cli.Context) error {
	words := map[string][]string{}
	var nouns []string
	for _, n := range c.App.Commands {
		nouns = append(nouns, n.Name)
		for _, v := range n.Subcommands {
			words[n.Name] = append(words[n.Name], v.Name)
		}
	}
	flags := flagNames(c.App.Flags)
	for _, n := range c.App.Commands {
		flags = append(flags, flagNames(n.Flags)...)
		for _, v := range n.Subcommands {
			flags = append(flags, flagNames(v.Flags)...)
		}
	}
	flags = unique(flags)
	switch c.Args().First() {
	case "bash":
		t.bash(nouns, words, flags)
	case "zsh":
		fmt.Fprintln(t.stdout, "#compdef dpki\nautoload -U +X bashcompinit && bashcompinit")
		t.bash(nouns, words, flags)
	case "fish":
		fmt.Fprintln(t.stdout, "complete -c dpki -f")
		fmt.Fprintf(t.stdout, "complete -c dpki -n __fish_use_subcommand -a '%s'\n", strings.Join(nouns, " "))
		for _, n := range nouns {
			if len(words[n]) > 0 {
				fmt.Fprintf(t.stdout, "complete -c dpki -n '__fish_seen_subcommand_from %s' -a '%s'\n", n, strings.Join(words[n], " "))
			}
		}
		for _, f := range flags {
			fmt.Fprintf(t.stdout, "complete -c dpki -l %s\n", strings.TrimPrefix(f, "--"))
		}
	default:
		return usage(fmt.Sprintf("no completion for %.40q", c.Args().First()), "dpki completion bash, zsh or fish")
	}
	return nil
}

func (t *tool) bash(nouns []string, words map[string][]string, flags []string) {
	fmt.Fprintf(t.stdout, "_dpki() {\n  local word=${COMP_WORDS[COMP_CWORD]} noun=${COMP_WORDS[1]}\n  case $word in\n  -*) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n  esac\n", strings.Join(flags, " "))
	fmt.Fprintf(t.stdout, "  if [ \"$COMP_CWORD\" = 1 ]; then COMPREPLY=($(compgen -W '%s' -- \"$word\")); return; fi\n  case $noun in\n", strings.Join(nouns, " "))
	for _, n := range nouns {
		if len(words[n]) > 0 {
			fmt.Fprintf(t.stdout, "  %s) COMPREPLY=($(compgen -W '%s' -- \"$word\")); return ;;\n", n, strings.Join(words[n], " "))
		}
	}
	fmt.Fprint(t.stdout, "  esac\n  COMPREPLY=($(compgen -f -- \"$word\"))\n}\ncomplete -F _dpki dpki\n")
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		if n := f.Names()[0]; n != "help" && n != "version" {
			names = append(names, "--"+n)
		}
	}
	return names
}

func unique(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
