package rotate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"
	"dpki/sshca"
)

const (
	engines  = 97 // devices in this process, and
	machines = 3  // with dpkid and sshd
	// inTime is the bar on a quiet machine; five times that fails the test.
	inTime = 5 * time.Second
)

// TestStolenCA: somebody has the key of the only CA. One command, and every device
// refuses what it signed and takes what its successor signs.
func TestStolenCA(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	d := desk.New(t, overHTTP)
	d.Dpki(0, "ca", "create", "users")
	var fleet []*engine
	var real []*realDevice
	requests := []string{"device", "add", "--yes"}
	for i := range engines {
		e := newEngine(t, d, fmt.Sprintf("gate-%d", i))
		file, _ := d.Request(e.identity, e.name, sshkey.New(t).PublicKey())
		fleet, requests = append(fleet, e), append(requests, file)
		e.run(t, d)
	}
	for i := range machines {
		m := newReal(d, fmt.Sprintf("real-%d", i))
		real, requests = append(real, m), append(requests, m.request)
		m.run(d)
	}
	d.Dpki(0, requests...)

	// One grant for the zone, and a certificate of the CA that is to be stolen.
	user := sshkey.New(t)
	key, oldFile, newFile := filepath.Join(d.Dir, "tech"), filepath.Join(d.Dir, "old-cert.pub"), filepath.Join(d.Dir, "new-cert.pub")
	user.Save(t, key)
	d.Dpki(0, "grant", "zone:plant", "--account", "alice", "--for", "1h", "--key", key+".pub", "--out", oldFile)
	old := certificate(d, oldFile)
	by := func(file string) sshd.Client { return sshd.Client{User: "alice", Key: key, Certificate: file} }
	harness.Eventually(t, 2*time.Minute, func() error {
		for _, e := range fleet {
			if !e.admits("alice", old) {
				return fmt.Errorf("%s does not admit alice: %v", e.name, e.enrolled())
			}
		}
		for _, m := range real {
			if got := m.login(d, by(oldFile)); got.Code != 0 {
				return fmt.Errorf("%s does not admit alice: %s\n%s", m.name, got.Stderr, m.daemon.Output())
			}
		}
		return nil
	})

	// Everybody is watched from before the command on; the certificate of the
	// successor cannot be made before its end.
	began := time.Now()
	signed := make(chan struct{})
	var renewed *ssh.Certificate
	var all sync.WaitGroup
	fates := make([]fate, engines+machines)
	for i, e := range fleet {
		all.Go(func() {
			fates[i] = watched(e.name, began, signed, func(new bool) bool {
				if new {
					return e.admits("alice", renewed)
				}
				return e.admits("alice", old)
			})
		})
	}
	for i, m := range real {
		all.Go(func() {
			fates[engines+i] = watched(m.name, began, signed, func(new bool) bool {
				if new {
					return m.login(d, by(newFile)).Code == 0
				}
				return m.login(d, by(oldFile)).Code == 0
			})
		})
	}
	d.Dpki(0, "ca", "revoke", "users", "--replace", "next", "--yes")
	mined := time.Since(began)
	renewed, err := sshca.Sign(d.CA("next"), user.PublicKey(), old)
	d.Must(err)
	d.Must(os.WriteFile(newFile, ssh.MarshalAuthorizedKey(renewed), 0o644))
	close(signed)
	all.Wait()

	var refused, accepts, refusedReal, acceptsReal time.Duration
	for i, f := range fates {
		if f.err != nil {
			t.Errorf("%s: %v", f.name, f.err)
		}
		refused, accepts = max(refused, f.refused), max(accepts, f.accepts)
		if i >= engines {
			refusedReal, acceptsReal = max(refusedReal, f.refused), max(acceptsReal, f.accepts)
		}
	}
	ms := func(t time.Duration) time.Duration { return t.Round(10 * time.Millisecond) }
	t.Logf("measured: stolen CA, %d devices (%d with dpkid and sshd): the command took %v until it was mined; the last refuses the old CA %v later (real ones %v), all accept the new one after %v (real ones %v), its key opened and a certificate signed meanwhile; bar %v",
		len(fates), machines, ms(mined), ms(refused-mined), ms(refusedReal-mined), ms(accepts-mined), ms(acceptsReal-mined), inTime)
	if worst := max(refused, accepts) - mined; worst > 5*inTime {
		t.Errorf("%v, more than five times the bar of %v", worst, inTime)
	}
	// The successor's own word is all that changed: the grant is the same, and the
	// stolen key's does not come back.
	for _, e := range fleet {
		if e.admits("alice", old) || !e.admits("alice", renewed) {
			t.Errorf("%s changed its mind", e.name)
		}
	}
}

// fate is when a device stopped to take the old CA's word, and when it began to take
// the new one's.
type fate struct {
	name             string
	refused, accepts time.Duration // since the beginning
	err              error
}

// watched asks a device until it has changed, at most a minute.
func watched(name string, began time.Time, signed <-chan struct{}, admits func(new bool) bool) fate {
	f := fate{name: name}
	until := func(changed func() bool) time.Duration {
		for !changed() {
			if time.Since(began) > time.Minute {
				f.err = errors.New("nothing has changed within a minute")
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		return time.Since(began)
	}
	f.refused = until(func() bool { return !admits(false) })
	<-signed
	f.accepts = until(func() bool { return admits(true) })
	return f
}

// overHTTP has everybody ask one endpoint that announces nothing.
func overHTTP(n *network.File) {
	for i, url := range n.Endpoints {
		n.Endpoints[i] = "http" + strings.TrimPrefix(strings.TrimPrefix(url, "http"), "ws")
	}
}

func certificate(d *desk.Desk, file string) *ssh.Certificate {
	d.Helper()
	text, err := os.ReadFile(file)
	d.Must(err)
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	d.Must(err)
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		d.Fatalf("%s holds no certificate", file)
	}
	return cert
}
