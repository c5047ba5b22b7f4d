package main

import (
	"io"
	"testing"

	"dpki/internal/socket"
)

// BenchmarkRun is the helper's own work, without the start of a process: arguments, socket, answer, line, log.
func BenchmarkRun(b *testing.B) {
	s := newBench(b)
	s.answers(socket.Answer{Code: socket.Allow, Text: caLine})
	s.stdout = io.Discard
	go func() {
		buf := make([]byte, 4096)
		for {
			if _, err := s.logged.Read(buf); err != nil {
				return
			}
		}
	}()
	for b.Loop() {
		if code := run(args, s.helper); code != 0 {
			b.Fatal(code)
		}
	}
}
