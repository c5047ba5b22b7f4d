package deliver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/device"
	"dpki/device/apply"
	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/state"
)

// bench is an Applier with a configuration of sshd that nobody runs.
type bench struct {
	*testing.T
	dir     string
	places  apply.Places
	host    sshkey.Key
	keyFile string
	conf    string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd)
	b := &bench{T: t, dir: t.TempDir(), host: sshkey.New(t)}
	b.must(os.MkdirAll(filepath.Join(b.dir, "ssh", "sshd_config.d"), 0o755))
	b.keyFile, b.conf = filepath.Join(b.dir, "ssh", "host_key"), filepath.Join(b.dir, "ssh", "sshd_config")
	b.host.Save(t, b.keyFile)
	b.must(os.WriteFile(b.conf, fmt.Appendf(nil, "Include %s/ssh/sshd_config.d/*.conf\nHostKey %s\nPidFile %s/no.pid\n", b.dir, b.keyFile, b.dir), 0o600))
	var err error
	b.places, err = apply.ParsePlaces(fmt.Appendf(nil, "version = 1\nsshd_config = %q\n", b.conf), b.dir)
	b.must(err)
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) open() *apply.Applier {
	b.Helper()
	path, err := harness.SshdPath()
	b.must(err)
	a, err := apply.Open(b.Context(), apply.Config{Ledger: filepath.Join(b.dir, "deliveries"), Places: b.places, Sshd: path})
	b.must(err)
	return a
}

func trusted(state.Word, state.Kind) bool { return true }

// cert is a delivery of windows that follow each other, 100 seconds apart and 150
// long, from 1000 on.
func (b *bench) cert(seq uint64, ca, host sshkey.Key, windows int, private bool) (device.Material, *bundle.HostCertificate) {
	b.Helper()
	h := &bundle.HostCertificate{Version: 1, Authority: bundle.Authority{Subject: state.Word{1}, Key: bundle.Key{1}}}
	for i := range uint64(windows) {
		cert, err := sshca.IssueHost(ca, host.PublicKey(), sshca.Host{Device: state.Word{9}, From: 1000 + 100*i, Until: 1150 + 100*i})
		b.must(err)
		h.Certificates = append(h.Certificates, line(cert))
	}
	if private {
		h.PrivateKey = text(b, host)
	}
	content, err := h.Marshal()
	b.must(err)
	return device.Material{
		Fact:    state.DeliveryFact{Fact: state.Fact{Subject: state.Word{byte(seq)}, Seq: seq}, Delivery: state.Delivery{Purpose: uint8(bundle.PurposeHostCertificate)}},
		Content: content, Device: state.Word{9}, Now: 1010, Trusted: trusted,
	}, h
}

// inUse are the key and the certificate that stand there.
func (b *bench) inUse(key sshkey.Key, cert string) {
	b.Helper()
	if s, err := sshca.LoadKey(b.keyFile, nil); err != nil || line(s.PublicKey()) != line(key.PublicKey()) {
		b.Errorf("the host key is another: %v", err)
	}
	got, err := os.ReadFile(b.keyFile + "-cert.pub")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.Fatal(err)
	}
	if strings.TrimSpace(string(got)) != cert {
		b.Errorf("the certificate is %q, want %q", got, cert)
	}
}

// Windows that were certified ahead follow each other by time alone, across a
// restart, as long as their CA is trusted.
func TestWindows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a, ca, ctx := b.open(), sshkey.New(t), context.Background()
	m, sent := b.cert(1, ca, b.host, 3, false)
	wrong := m
	wrong.Device, wrong.Fact.Subject = state.Word{8}, state.Word{80}
	if d, err := a.Apply(ctx, wrong); err != nil || d.OK() {
		t.Errorf("a certificate for another device: %+v, %v", d, err)
	}
	stranger, _ := b.cert(70, ca, sshkey.New(t), 1, false)
	if _, err := a.Apply(ctx, stranger); !errors.Is(err, apply.ErrHostKey) {
		t.Errorf("for a key that sshd has not: %v", err)
	}
	distrusted := m
	distrusted.Trusted = func(_ state.Word, kind state.Kind) bool { return kind != state.KindCAHost }
	if _, err := a.Apply(ctx, distrusted); !errors.Is(err, apply.ErrCA) {
		t.Errorf("by no host CA: %v", err)
	}
	b.inUse(b.host, "")
	if d, err := a.Apply(ctx, m); err != nil || d.Result != bundle.Applied || a.Due() != 1100 {
		t.Errorf("%+v, %v, due %d", d, err, a.Due())
	}
	b.inUse(b.host, sent.Certificates[0])
	a = b.open()
	if err := a.Renew(ctx, 1120, distrusted.Trusted); !errors.Is(err, apply.ErrCA) {
		t.Errorf("its CA was revoked since: %v", err)
	}
	b.inUse(b.host, sent.Certificates[0])
	for i, due := range []uint64{1200, 0} {
		if err := a.Renew(ctx, 1120+100*uint64(i), trusted); err != nil || a.Due() != due {
			t.Errorf("%v, due %d, want %d", err, a.Due(), due)
		}
		b.inUse(b.host, sent.Certificates[i+1])
	}
	// A key and its certificate, in place of the key that stood there.
	fresh := sshkey.New(t)
	pair, sent := b.cert(2, ca, fresh, 1, true)
	if d, err := a.Apply(ctx, pair); err != nil || d.Result != bundle.Applied {
		t.Errorf("%+v, %v", d, err)
	}
	b.inUse(fresh, sent.Certificates[0])
	// Revoked: sshd goes on with the key alone.
	dropIn := filepath.Join(b.dir, "ssh", "sshd_config.d", "10-dpki-host.conf")
	if _, err := os.Stat(dropIn); err != nil {
		t.Fatal(err)
	}
	if d, err := a.Withdraw(ctx, pair.Fact.Subject, 1130); err != nil || d.Result != device.Revoked || a.Due() != 0 {
		t.Errorf("%+v, %v, due %d", d, err, a.Due())
	}
	b.inUse(fresh, "")
	if _, err := os.Stat(dropIn); err == nil {
		t.Error("sshd is told of a certificate that is gone")
	}
}

// Where sshd does not take them, key and certificate are as before.
func TestSshdRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	a, ca, fresh := b.open(), sshkey.New(t), sshkey.New(t)
	m, sent := b.cert(1, ca, fresh, 1, true)
	good, err := os.ReadFile(b.conf)
	b.must(err)
	_, withoutInclude, _ := strings.Cut(string(good), "\n")
	for name, c := range map[string]struct {
		conf string
		want error
	}{
		"no drop-in is included": {withoutInclude, apply.ErrNoEffect},
		"a broken configuration": {string(good) + "Nonsense yes\n", nil},
	} {
		b.must(os.WriteFile(b.conf, []byte(c.conf), 0o600))
		if d, err := a.Apply(context.Background(), m); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		b.inUse(b.host, "")
		if left, err := os.ReadDir(filepath.Join(b.dir, "ssh", "sshd_config.d")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v", name, left, err)
		}
	}
	b.must(os.WriteFile(b.conf, good, 0o600))
	if d, err := a.Apply(context.Background(), m); err != nil || d.Result != bundle.Applied {
		t.Errorf("the twin: %+v, %v", d, err)
	}
	b.inUse(fresh, sent.Certificates[0])
}
