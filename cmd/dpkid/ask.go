package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	if errors.Is(err, syscall.ENOENT) {
		err = fmt.Errorf("%w: %w", syscall.ECONNREFUSED, err)
	}
	if err != nil {
		return fmt.Errorf("dpkid: %w", err)
	}
	if a.Code != socket.Allow {
		return fmt.Errorf("dpkid: %s", a.Text)
	}
	return json.Unmarshal([]byte(a.Text), into)
}
