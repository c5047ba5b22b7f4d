package admin

import (
	"context"
	"io"

	"golang.org/x/crypto/ssh"

	"dpki/sshca"
	"dpki/state"
)

// signers opens each zone's CA once.
type signers struct {
	desk    *Desk
	open    map[state.Word]ssh.Signer
	closers []io.Closer
}

func newSigners(d *Desk) *signers { return &signers{desk: d, open: map[state.Word]ssh.Signer{}} }

func (s *signers) close() {
	for _, c := range s.closers {
		c.Close()
	}
}

// takesPlainKeys reports whether a policy wants the granted key itself, and no
// certificate beside it.
func takesPlainKeys(p state.Policy) bool {
	return p.Modes&state.ModeCertificateAndGrant == 0 && p.Modes&state.ModeGrantedKey != 0
}

// certificate signs for one grant, unless the zone's policy wants the plain key.
func (s *signers) certificate(ctx context.Context, p state.Policy, key ssh.PublicKey, g sshca.Grant) (*ssh.Certificate, error) {
	if takesPlainKeys(p) {
		return nil, nil
	}
	ca, ok := s.open[g.Zone]
	if !ok {
		var done io.Closer
		var err error
		if ca, done, err = s.desk.caFor(ctx, g.Zone, state.KindCAUser); err != nil {
			return nil, err
		}
		s.open[g.Zone] = ca
		s.closers = append(s.closers, done)
	}
	cert, err := sshca.IssueGrant(ca, key, g)
	return cert, because(err, Failed, "", "the certificate could not be made")
}
