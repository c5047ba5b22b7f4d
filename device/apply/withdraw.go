package apply

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/device"
	"dpki/state"
)

// Withdraw implements device.Applier. A host key is never taken away, only its
// certificate: sshd goes on with the key alone.
func (a *Applier) Withdraw(ctx context.Context, subject state.Word, now uint64) (device.Delivered, error) {
	if err := a.resume(ctx); err != nil {
		return device.Delivered{}, err
	}
	i := slices.IndexFunc(a.ledger.Sets, func(s installed) bool { return s.Subject == subject })
	if i < 0 {
		return device.Delivered{}, fmt.Errorf("delivery %v is not in force", subject)
	}
	old := a.ledger.Sets[i]
	d := old.Delivered
	d.Time, d.Result = now, device.Revoked
	if old.Purpose == bundle.PurposeFiles {
		d.Result = device.RevokedLeft
		return d, a.note(a.ledger.without(old.id(), d))
	}
	gone := old.Paths
	if old.Purpose == bundle.PurposeHostCertificate {
		gone = slices.DeleteFunc(slices.Clone(gone), func(p string) bool {
			return !strings.HasSuffix(p, "-cert.pub") && filepath.Clean(p) != a.dropIn()
		})
	}
	s := &set{installed: old, sshd: old.Purpose == bundle.PurposeHostCertificate, reload: a.places.of(old.id()).reload, ends: true}
	begun := &doing{Subject: subject, Sshd: s.sshd, Reload: s.reload}
	for _, p := range gone {
		b, err := look(p)
		if err != nil {
			return old.Delivered, err
		}
		begun.Before = append(begun.Before, b)
	}
	return d, a.carryOut(ctx, s, begun, gone, outcome{old, &d})
}
