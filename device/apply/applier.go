package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/device"
	"dpki/sshca/profile"
	"dpki/state"
)

// Applier installs deliveries. It implements device.Applier.
type Applier struct {
	path    string // of the ledger
	places  Places
	program string // sshd

	mu      sync.Mutex // guards the pointers; what is published does not change
	ledger  *ledger
	settled map[state.Word]bool // its subjects

	// step is told of each step once it is done; nil but in tests, which die there.
	step func(string)
}

// Config is what an Applier works with.
type Config struct {
	Ledger string // file; its folder is there
	Places Places
	Sshd   string // program

	step func(string) // see Applier
}

// Open reads the ledger and, where an installation was interrupted, concludes it
// if all of it stands and was checked, or else puts back what stood there before:
// then it is installed again from the log like any other.
// Where that fails the Applier comes with the error, and tries again before it
// does anything else; without a ledger there is none.
func Open(ctx context.Context, c Config) (*Applier, error) {
	l, err := loadLedger(c.Ledger)
	if err != nil {
		return nil, err
	}
	a := &Applier{path: c.Ledger, places: c.Places, program: c.Sshd, ledger: l, settled: l.subjects(), step: c.step}
	return a, a.resume(ctx)
}

func (a *Applier) at(step string) {
	if a.step != nil {
		a.step(step)
	}
}

func (a *Applier) known() *ledger {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ledger
}

// All implements device.Applier.
func (a *Applier) All() []device.Delivered { return a.known().all() }

// Settled implements device.Applier.
func (a *Applier) Settled(subject state.Word) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled[subject]
}

// Apply implements device.Applier.
func (a *Applier) Apply(ctx context.Context, m device.Material) (device.Delivered, error) {
	if err := a.resume(ctx); err != nil {
		return device.Delivered{}, err
	}
	s, err := a.plan(ctx, m)
	var no refusal
	if errors.As(err, &no) {
		s.Delivered.Result = no.text
		return s.Delivered, a.Settle(s.Delivered)
	}
	if err != nil {
		return s.Delivered, err
	}
	if old := a.ledger.set(s.id()); old != nil && old.laterThan(&s.installed) {
		s.Delivered.Result = device.Superseded
		return s.Delivered, a.Settle(s.Delivered)
	}
	if err := a.install(ctx, s); err != nil {
		return s.Delivered, err
	}
	return s.Delivered, nil
}

// Settle implements device.Applier.
func (a *Applier) Settle(d device.Delivered) error {
	next := *a.ledger
	next.Others = slices.Clone(next.Others)
	next.settle(d, d.Time)
	return a.note(&next)
}

// Due implements device.Applier.
func (a *Applier) Due() uint64 {
	s := a.known().set(setID{bundle.PurposeHostCertificate, hostName})
	if s == nil {
		return 0
	}
	certs, err := s.certificates()
	if err != nil {
		return 0
	}
	for _, c := range certs {
		if c.ValidAfter > s.Window {
			return c.ValidAfter
		}
	}
	return 0
}

// Renew implements device.Applier: it puts the next window's host certificate in
// place.
func (a *Applier) Renew(ctx context.Context, now uint64, trusted func(state.Word, state.Kind) bool) error {
	if err := a.resume(ctx); err != nil {
		return err
	}
	old := a.ledger.set(setID{bundle.PurposeHostCertificate, hostName})
	if old == nil {
		return nil
	}
	certs, err := old.certificates()
	if err != nil {
		return err
	}
	if !trusted(profile.Hash(certs[0].SignatureKey), state.KindCAHost) {
		return fmt.Errorf("%w: %s", ErrCA, ssh.FingerprintSHA256(certs[0].SignatureKey))
	}
	s := &set{installed: *old}
	s.Paths = nil
	if err := a.planWindow(s, certs, now); err != nil {
		return err
	}
	for _, f := range s.files {
		s.Paths = append(s.Paths, f.path)
	}
	return a.install(ctx, s)
}

// certificates are those of the windows, as they were checked when they came.
func (i *installed) certificates() ([]*ssh.Certificate, error) {
	var certs []*ssh.Certificate
	for _, text := range i.Ahead {
		k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
		if err != nil {
			return nil, err
		}
		cert, ok := k.(*ssh.Certificate)
		if !ok {
			return nil, ErrLedger
		}
		certs = append(certs, cert)
	}
	if len(certs) == 0 {
		return nil, ErrLedger
	}
	return certs, nil
}
