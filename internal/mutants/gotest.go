package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"time"
)

// goTest runs the tests of one package that a pattern matches. overlay is a file
// for -overlay, or empty.
func goTest(ctx context.Context, root, folder, pattern, overlay string, limit time.Duration) ran {
	args := []string{"go", "test", "-json", "-vet=off", "-count=1", "-timeout", limit.String(), "-run", pattern}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	return call(ctx, root, limit, readEvents, append(args, "./"+folder)...)
}

// event is one line of `go test -json` (cmd/test2json, and `go help buildjson` for
// the build- actions).
type event struct {
	Action, Test, Output, FailedBuild string
}

// readEvents reads what go test has printed. Where the process died every failure
// in it may be of that, and counts for nothing.
func readEvents(stream []byte) ran {
	r := ran{tests: map[string]outcome{}, said: map[string]string{}}
	dead := false
	for line := range bytes.Lines(stream) {
		var e event
		if json.Unmarshal(line, &e) != nil {
			r.output += string(line)
			continue
		}
		switch {
		case e.Action == "build-output":
			r.output += e.Output
		case e.Action == "build-fail" || e.FailedBuild != "":
			r.unbuilt = true
		case e.Action == "output":
			if strings.HasPrefix(e.Output, "panic: ") || strings.HasPrefix(e.Output, "fatal error: ") {
				dead = true
			}
			if e.Test == "" || dead {
				r.output += e.Output
			}
			r.hear(e)
		case e.Test == "":
		case e.Action == "pass":
			r.tests[e.Test] = passed
		case e.Action == "skip":
			r.tests[e.Test] = skipped
		case e.Action == "fail":
			r.tests[e.Test] = failed
		case e.Action == "run":
			r.tests[e.Test] = died // until it ends
		}
	}
	for test, o := range r.tests {
		if dead && o == failed {
			r.tests[test] = died
		}
	}
	return r
}

// hear keeps the first line of an assertion, for its test and those that it is a
// part of.
func (r ran) hear(e event) {
	_, text, ok := strings.Cut(e.Output, ".go:")
	if !ok || !strings.HasPrefix(e.Output, "    ") {
		return
	}
	_, text, _ = strings.Cut(text, ": ")
	for test := e.Test; test != ""; {
		if r.said[test] == "" {
			r.said[test] = strings.TrimSpace(text)
		}
		i := strings.LastIndexByte(test, '/')
		test = test[:max(i, 0)]
	}
}
