package chain

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// world is a device where alice may log in, by a grant that stands throughout.
type world struct {
	*machine.Machine
	ca   fleet.CA
	key  fleet.Key
	good *ssh.Certificate
}

// settled bounds what a device does at once: for a machine under load.
const settled = time.Minute

// newOrg makes an organisation whose devices hear of blocks as they come.
func newOrg(t *testing.T) *fleet.Org {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	org := fleet.New(t, devchain.Options{})
	org.Network.Endpoints = []string{org.Chain.WS}
	return org
}

func newWorld(t *testing.T) *world {
	t.Helper()
	org := newOrg(t)
	w := &world{ca: org.NewCA(), key: org.NewKey(), Machine: machine.New(t, org, machine.Options{})}
	grant := org.Grant(w.ID, state.KindGrant, "alice", w.key.PublicKey(), time.Hour)
	w.good = org.Certificate(w.ca, w.key.PublicKey(), grant)
	w.read()
	w.twin("in the beginning")
	return w
}

// write writes, and returns when the device has read it.
func (w *world) write(groups ...contracts.Group) {
	w.Helper()
	w.Org.WriteGroups(groups...)
	w.read()
}

// read waits until the device has read the whole chain: a login waits for news, but no
// longer than a person would, and here the verdict is asked for.
func (w *world) read() {
	w.Helper()
	block := w.Org.Chain.Number()
	w.Eventually("the last block", settled, func(s device.Status) bool { return s.Block >= block })
}

// by is sshd's own refusal: the daemon was not asked, or need not have been.
const by = authkeys.Undecided

// refused presents a certificate that must not log in, and then the good one,
// which must.
func (w *world) refused(name, account string, key ssh.Signer, cert *ssh.Certificate, why authkeys.Reason) {
	w.Helper()
	before := len(w.Audit())
	signer, err := ssh.NewCertSigner(cert, key)
	w.Must(err)
	harness.Eventually(w, settled, func() error {
		// Without a line the helper gave up on a slow machine, and not the daemon said no.
		if err = w.PresentSigner(account, signer); err != nil && why != by && len(w.Audit()) == before {
			return fmt.Errorf("%s: no line in the audit: %w", name, err)
		}
		return nil
	})
	w.denied(name, err, before, why)
}

// denied asserts how a login ended that began with so many audit lines.
func (w *world) denied(name string, err error, before int, why authkeys.Reason) {
	w.Helper()
	if err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		w.Errorf("%s: logged in, or something else: %v", name, err)
	}
	records := w.Audit()[before:]
	for _, r := range records {
		if r.Allow {
			w.Errorf("%s: the daemon would accept: %+v", name, r)
		}
	}
	if why != by && (len(records) == 0 || records[len(records)-1].Reason != why.String()) {
		w.Errorf("%s: the audit says %+v, want %q", name, records, why)
	}
	w.twin(name)
}

// twin logs in by the good certificate.
func (w *world) twin(name string) {
	w.Helper()
	w.Accepted("the twin of "+name, "alice", w.key, w.good)
}

// group is changes to be, and where.
func group(scope state.Word, changes ...contracts.Change) contracts.Group {
	return contracts.Group{Scope: scope, Changes: changes}
}

func revokeOf(c contracts.Change) contracts.Change {
	return contracts.Change{Action: state.ActionRevoke, Kind: c.Kind, Subject: c.Subject}
}

// errEnded reads as a refusal: sshd closed a connection that broke the protocol.
var errEnded = errors.New("closed: unable to authenticate")

var errStillIn = errors.New("the login still succeeds")
