package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"testing"
	"time"
)

// stage is the testing.TB that the harness's parts want, outside of a test: a
// failure ends the bench, and what was started is stopped.
type stage struct {
	testing.TB // nil: what is not defined here must not be used
	cleanups   []func()
	failed     bool
	began      time.Time
}

// failure is thrown by Fatal.
type failure struct{ text string }

// play runs f and then the clean-ups. It reports whether f came to its end.
func (s *stage) play(f func()) (ok bool) {
	s.began = time.Now()
	defer func() {
		r := recover()
		s.failed = r != nil
		for i := len(s.cleanups) - 1; i >= 0; i-- {
			s.cleanups[i]()
		}
		switch r := r.(type) {
		case nil:
			ok = true
		case failure:
			fmt.Fprintf(os.Stderr, "bench: error: %s\n", r.text)
		default:
			fmt.Fprintf(os.Stderr, "bench: panic: %v\n%s", r, debug.Stack())
		}
	}()
	f()
	return
}

// say shows progress; the figures are on stdout.
func (s *stage) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

func (s *stage) Helper()                           {}
func (s *stage) Name() string                      { return "bench" }
func (s *stage) Failed() bool                      { return s.failed }
func (s *stage) Context() context.Context          { return context.Background() }
func (s *stage) Cleanup(f func())                  { s.cleanups = append(s.cleanups, f) }
func (s *stage) Log(args ...any)                   { fmt.Fprintln(os.Stderr, args...) }
func (s *stage) Logf(format string, args ...any)   { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (s *stage) Error(args ...any)                 { s.Fatal(args...) }
func (s *stage) Errorf(format string, args ...any) { s.Fatalf(format, args...) }
func (s *stage) Fatal(args ...any)                 { panic(failure{fmt.Sprint(args...)}) }
func (s *stage) Fatalf(format string, args ...any) { panic(failure{fmt.Sprintf(format, args...)}) }
func (s *stage) Skip(args ...any)                  { s.Fatal(args...) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (s *stage) must(err error) {
	if err != nil {
		s.Fatal(err)
	}
}
