package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"dpki/internal/socket"
	"dpki/internal/socket/serve"
)

// ask asks the daemon and decodes its answer.
func (e *env) ask(ctx context.Context, into any, t socket.Type, fields ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a, err := serve.Call(ctx, e.paths.Control(), socket.NewRequest(t, fields...))
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return e.noDaemon()
	}
	if err != nil {
		return fmt.Errorf("the daemon was asked: %w", err)
	}
	if a.Code != socket.Allow {
		return fmt.Errorf("the daemon answers: %s", a.Text)
	}
	return json.Unmarshal([]byte(a.Text), into)
}

// noDaemon tells a device that is not enrolled, where the daemon cannot run,
// from one where it does not.
func (e *env) noDaemon() error {
	if _, err := os.Stat(e.paths.Config()); errors.Is(err, fs.ErrNotExist) {
		return &failure{exitLater, fmt.Errorf("this device is not enrolled, so there is no daemon: %w", syscall.ECONNREFUSED), "`dpkid enroll ANCHOR`"}
	}
	return fmt.Errorf("nothing answers at %s: %w", e.paths.Control(), syscall.ECONNREFUSED)
}
