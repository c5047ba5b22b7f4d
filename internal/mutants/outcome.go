package main

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"
)

// outcome is what came of one test. The zero value is none: the test did not run.
type outcome uint8

const (
	absent outcome = iota
	passed
	failed  // by an assertion
	skipped // by itself
	died    // or took too long, and so did everything in its process
)

// ran is what came of one call of go test or forge test.
type ran struct {
	tests   map[string]outcome // by name
	said    map[string]string  // first line by which a test says what is wrong
	unbuilt bool               // nothing ran, for the code does not compile
	late    bool               // it was ended, for it took too long
	output  string             // that explains what is not a test's outcome
}

// building is how long a build may take, on a machine that does other things too: solc in JavaScript was seen to take six
// minutes, with forty processes waiting for four cores.
const building = 20 * time.Minute

// call runs a command that builds and then tests for at most a time, and reads what
// it prints. Its exit code says nothing that this does not.
func call(ctx context.Context, dir string, limit time.Duration, read func(stdout []byte) ran, args ...string) ran {
	ctx, cancel := context.WithTimeout(ctx, building+limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	r := read(stdout)
	r.output += stderr.String()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		r.output += err.Error()
	}
	r.late = ctx.Err() != nil
	return r
}

// what is the outcome of a test.
func (r ran) what(test string) outcome { return r.tests[test] }
