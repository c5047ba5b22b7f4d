package device

import "context"

// reset is reset-trust: everything that was verified is forgotten.
func (e *Engine) reset() error {
	if err := e.c.Journal.Forget(); err != nil {
		return err
	}
	e.written, e.failures = 0, 0
	return e.load()
}

// ResetTrust forgets everything that was verified, by the will of local root.
func (e *Engine) ResetTrust(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case e.resets <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
