package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = "usage: suite [-tally FILE] go ARGS... | fuzz TIME PACKAGES... | step NAME CMD... | forge CMD... | counted CMD... | total"

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("suite", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("tally", "", "file that collects the counts of several calls")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	args = flags.Args()
	if len(args) == 0 {
		fmt.Fprintln(stderr, usage)
		return 2
	}
	var got tally
	var err error
	switch verb, rest := args[0], args[1:]; {
	case verb == "go" && len(rest) > 0:
		got, err = goTest("", rest, stdout)
	case verb == "fuzz" && len(rest) > 1:
		got, err = fuzz(rest[0], rest[1:], stdout)
	case verb == "step" && len(rest) > 1:
		got, err = step(rest[0], rest[1:], stdout)
	case verb == "forge" && len(rest) > 0:
		got, err = forge(rest, stdout)
	case verb == "counted" && len(rest) > 0:
		got, err = counted(rest, stdout)
	case verb == "total" && len(rest) == 0 && *file != "":
		got, err = readTally(*file)
	default:
		fmt.Fprintln(stderr, usage)
		return 2
	}
	if err != nil {
		fmt.Fprintf(stderr, "suite: error: %v\n", err)
		return 2
	}
	if *file != "" && args[0] != "total" {
		if err := appendTally(*file, got); err != nil {
			fmt.Fprintf(stderr, "suite: error: %v\n", err)
			return 2
		}
	}
	return got.close(stdout, os.Getenv("CI") == "true")
}
