package enroll

import (
	"errors"

	"dpki/device/config"
	"dpki/device/journal"
)

// ErrRunning says that the daemon runs, and must be stopped first.
var ErrRunning = errors.New("dpkid is running")

// Leave removes what ties this machine to an organisation: identity, journal,
// request, configuration, network file, the ledger of deliveries. What was
// delivered stays. Break-glass keys are root's own and stay. The device's entry
// is the administrator's to retire.
func Leave(p config.Paths) error {
	c, err := config.Load(p.Config())
	if err != nil {
		return err
	}
	j, err := journal.Open(p.Journal(), c.Anchor)
	switch {
	case errors.Is(err, journal.ErrLocked):
		return ErrRunning
	case err == nil:
		defer j.Close()
	}
	// A move that has begun goes first: half of a Leave must not end with a daemon that
	// goes on elsewhere. The configuration goes last: with it, that half can be repeated.
	if err := gone(p.Moving()); err != nil {
		return err
	}
	for _, path := range []string{p.Journal(), p.Successor()} {
		if err := journal.Remove(path); err != nil {
			return err
		}
	}
	for _, path := range []string{p.Identity(), p.Request(), p.Denied(), p.Deliveries(), p.Network(), p.Config()} {
		if err := gone(path); err != nil {
			return err
		}
	}
	return nil
}
