package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"dpki/admin"
)

// confirm asks on the terminal unless --yes was given. Without a terminal the
// answer is no.
func (t *tool) confirm(question, hint string) error {
	if t.yes || t.dryRun {
		return nil
	}
	in, ok := t.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usage("this has to be confirmed, and there is no terminal to ask on: "+question, hint)
	}
	fmt.Fprintf(t.stderr, "%s [y/N] ", question)
	line, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
	if err != nil && line == "" {
		return usage("this has to be confirmed", hint)
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return &admin.Problem{Class: admin.No, Text: "not confirmed; nothing was done"}
}
