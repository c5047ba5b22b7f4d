package sshd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"dpki/device/config"
	"dpki/device/pamd"
)

// plan is what set-up, or its undoing, would change: all of it or nothing.
type plan struct {
	dropIn   dropIn
	accounts []string // that can be asked about
	notes    []string
	files    config.Changes
}

// plan looks at everything that can be looked at with nothing written.
func (s Setup) plan(ctx context.Context, w Wish) (p plan, err error) {
	p.dropIn = dropIn{Governed: w.Governed, helper: s.Helper, user: s.HelperUser}
	if _, err := p.dropIn.text(); err != nil {
		return p, err
	}
	if err := s.checkFiles(); err != nil {
		return p, err
	}
	if p.accounts, p.notes, err = accountsOf(ctx, w.Governed); err != nil {
		return p, err
	}
	old, err := s.current()
	if err != nil {
		return p, err
	}
	if err := errors.Join(s.conflicts(ctx, p.accounts), s.ahead()); err != nil {
		return p, err
	}
	if p.dropIn.ownMethods, err = s.ownMethods(ctx, old, p.accounts); err != nil {
		return p, err
	}
	if err := s.planPAM(ctx, w, &p); err != nil {
		return p, err
	}
	text, err := p.dropIn.text()
	p.files = append(p.files, config.Change{Path: s.Path(), Old: old, New: []byte(text), Mode: 0o644})
	return p, err
}

// ownMethods reports whether the site demands methods of its own for the accounts, as a second factor: then those stay. What an
// earlier drop-in of ours demanded is not the site's.
func (s Setup) ownMethods(ctx context.Context, old []byte, accounts []string) (bool, error) {
	if old != nil && !parseDropIn(string(old)).ownMethods {
		return false, nil
	}
	own := 0
	for _, a := range accounts {
		e, err := s.Effective(ctx, a)
		switch {
		case err != nil:
			return false, err
		case e.needsKey():
			own++
		case !e.anyMethod():
			return false, fmt.Errorf("%w: %q for %q", ErrMethods, e.First("authenticationmethods"), a)
		}
	}
	if own > 0 && own < len(accounts) {
		return false, fmt.Errorf("%w for some of the accounts, and demands one for others", ErrMethods)
	}
	return own > 0, nil
}

func (s Setup) planPAM(ctx context.Context, w Wish, p *plan) error {
	service, uses, err := s.pamService(ctx)
	if err != nil {
		return err
	}
	who := pamd.Subjects{Users: w.Users, Groups: w.Groups}
	var changes, sudo config.Changes
	switch {
	case w.NoPAM:
		if w.Sudo != pamd.NoSudo {
			return fmt.Errorf("%w: sudo asks by it too", ErrNoPAM)
		}
		changes, err = s.PAM.Without(service)
	case !uses:
		return ErrNoPAM
	default:
		if _, err := pamd.Module(); err != nil {
			return err
		}
		changes, err = s.PAM.Login(service, who)
	}
	if err != nil {
		return err
	}
	if w.Sudo == pamd.NoSudo {
		sudo, err = s.PAM.WithoutSudo()
	} else {
		sudo, err = s.PAM.Sudo(who, w.Sudo)
	}
	p.files = slices.Concat(p.files, changes, sudo)
	return err
}

// pamService is the service that sshd asks, and whether it asks. It is named for the program, or by an option since 9.8.
func (s Setup) pamService(ctx context.Context) (service string, uses bool, err error) {
	e, err := s.Effective(ctx, nobody)
	if err != nil {
		return "", false, err
	}
	service = e.First("pamservicename")
	if service == "" {
		service = filepath.Base(s.Program)
	}
	return service, e.First("usepam") == "yes", nil
}

// planUndo needs no sshd that works.
func (s Setup) planUndo() (p plan, err error) {
	old, err := s.current()
	if err != nil {
		return p, err
	}
	if old != nil {
		p.files = config.Changes{{Path: s.Path(), Old: old, Mode: 0o644}}
	}
	changes, err := s.PAM.WithoutAny()
	p.files = append(p.files, changes...)
	return p, err
}

// Sessions says what is in the way of ending sessions with their grants; nil: nothing is. It is ErrLeftAlone where set-up was told to leave
// PAM alone.
func (s Setup) Sessions(ctx context.Context) error {
	d, err := s.installed()
	if err != nil {
		return err
	}
	service, uses, err := s.pamService(ctx)
	switch {
	case err != nil:
		return err
	case d.NoPAM:
		return ErrLeftAlone
	case !uses:
		return ErrNoPAM
	}
	if _, err := pamd.Module(); err != nil {
		return err
	}
	asks, err := s.PAM.Asks(service)
	if err == nil && !asks {
		err = ErrNotInStack
	}
	if err != nil {
		return err
	}
	if notes, err := s.PAM.Notes(service); err != nil || !notes {
		return cmp.Or(err, ErrNoNote)
	}
	return nil
}

// What Sessions says, beside ErrNoPAM and pamd.ErrNoModule.
var (
	// ErrLeftAlone: set-up was told to leave PAM alone.
	ErrLeftAlone = errors.New("PAM was left alone")
	// ErrNotInStack: PAM does not ask the module.
	ErrNotInStack = errors.New("the PAM module is not in sshd's stack")
	// ErrNoNote: other modules may say how somebody logged in before the module
	// sees it.
	ErrNoNote = errors.New("the PAM module's line with note is not the first of type session in sshd's stack")
)

// Preview is what Install would change.
func (s Setup) Preview(ctx context.Context, w Wish) (config.Changes, error) {
	p, err := s.plan(ctx, w)
	return p.files, err
}

// PreviewUndo is what Undo would change.
func (s Setup) PreviewUndo() (config.Changes, error) {
	p, err := s.planUndo()
	if err == nil && len(p.files) == 0 {
		err = ErrNotSetUp
	}
	return p.files, err
}
