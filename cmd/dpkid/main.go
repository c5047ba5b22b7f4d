// Command dpkid is the daemon of a device. It wires packages together; what it
// does is in device/.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"dpki/device/config"
	"dpki/internal/cliargs"
)

// version is set when the program is built.
var version = "devel"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // usage or configuration
	exitNo     = 3 // the answer is no
	exitLater  = 4 // try later
)

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{paths: config.System(), stdin: stdin, stdout: stdout, stderr: stderr}
	return e.run(ctx, args)
}

// env is what commands act on. Tests give other paths.
type env struct {
	paths          config.Paths
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (e *env) run(ctx context.Context, args []string) int {
	app := e.app()
	args, err := cliargs.Permute(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return e.report(err)
}

// report prints an error, and what to do next, and gives the exit status.
func (e *env) report(err error) int {
	if err == nil {
		return exitDone
	}
	f := explained(err)
	if f.err != nil {
		fmt.Fprintf(e.stderr, "dpkid: error: %v\n", f.err)
	}
	if f.hint != "" {
		fmt.Fprintf(e.stderr, "dpkid: hint: %s\n", f.hint)
	}
	return f.code
}

// failure is an error with its exit status and what to do next.
type failure struct {
	code int
	err  error // nil: everything was said already
	hint string
}

func (f *failure) Error() string {
	if f.err == nil {
		return "failed"
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

func usage(hint, format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...), hint}
}

// explained gives known errors their status and hint.
func explained(err error) *failure {
	var f *failure
	var u *cliargs.UsageError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &u):
		return &failure{exitUsage, err, u.Hint}
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return &failure{k.code, err, k.hint}
		}
	}
	return &failure{code: exitFailed, err: err}
}
