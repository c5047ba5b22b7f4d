package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/state"
)

// reference starts an sshd that differs in one thing: its AuthorizedKeysCommand
// is cat, with the line that the daemon prints.
func (d *bench) reference() *sshd.Server {
	line := d.Ask("alice", d.cert)
	if line == "" {
		d.Fatalf("the daemon refuses the login to be measured: %+v", d.LastAudit())
	}
	path := filepath.Join(harness.RootDir(d), "line")
	d.Must(os.WriteFile(path, []byte(line), 0o644))
	c := quiet()
	c.Command = "/usr/bin/cat " + path
	return sshd.Start(d, c)
}

// timed logs in and returns how long that took.
func (d *bench) timed(server *sshd.Server, c sshd.Client) time.Duration {
	began := time.Now()
	got := server.Login(d, c, "true")
	took := time.Since(began)
	if got.Code != 0 {
		d.Fatalf("a login to be measured: %+v", got)
	}
	return took
}

// freshLogins compares logins with a State that is fresh, and counts the bytes
// of the looks at the chain meanwhile: nothing changes, so that each is what an
// idle device asks.
func (d *bench) freshLogins(t *report, pairs int) {
	cat := d.reference()
	for range 3 { // first runs read programs from disk
		d.timed(d.Sshd, d.client)
		d.timed(cat, d.client)
	}
	requests, bytes := d.proxy.passed()
	ours, theirs := make(sample, pairs), make(sample, pairs)
	for i := range pairs {
		if i%2 == 0 {
			ours[i], theirs[i] = d.timed(d.Sshd, d.client), d.timed(cat, d.client)
		} else {
			theirs[i], ours[i] = d.timed(cat, d.client), d.timed(d.Sshd, d.client)
		}
	}
	r, n := d.proxy.passed()
	for _, a := range d.Audit() {
		if a.Refreshed || !a.Allow || a.Freshness != "fresh" {
			d.Fatalf("a login that was to be fresh: %+v", a)
		}
	}
	compared(t, "login, fresh State : cat", ours, theirs, 1.05)
	idle(t, r-requests, n-bytes)
}

func compared(t *report, what string, ours, theirs sample, bar float64) {
	r, low, high := ratio(ours, theirs)
	spread := fmt.Sprintf("95%%: %.3f to %.3f, %d pairs; %s (%s) : %s (%s)", low, high, len(ours), short(ours.median()), ours.spread(), short(theirs.median()), theirs.spread())
	if bar == 0 {
		t.note(what, fmt.Sprintf("%.3f", r), spread)
		return
	}
	t.add(what, fmt.Sprintf("%.3f", r), fmt.Sprintf("%.2f", bar), r <= bar, spread)
}

// refreshedLogins compares logins that wait for a look at the chain: the grant
// was mined a moment ago, and no announcement has told the device.
func (d *bench) refreshedLogins(t *report, n int) {
	cat := d.reference()
	d.proxy.silence()
	var ours, theirs sample
	for tries := 0; len(ours) < n; tries++ {
		if tries == 2*n+10 {
			d.Fatalf("of %d logins only %d were refreshed", tries, len(ours))
		}
		key := d.Org.NewKey()
		grant := d.Org.GrantEntry(d.ID, state.KindGrant, "alice", key.PublicKey(), 20*time.Hour)
		c := d.Client("alice", key, d.Org.Certificate(d.ca, key.PublicKey(), grant))
		c.Options = d.client.Options
		asked := len(d.Audit())
		d.Org.Write(d.ID, grant)
		took := d.timed(d.Sshd, c)
		// A login counts if one of sshd's two questions was answered after a look.
		for _, a := range d.Audit()[asked:] {
			if a.Refreshed {
				ours = append(ours, took)
				theirs = append(theirs, d.timed(cat, d.client))
				break
			}
		}
		time.Sleep(600 * time.Millisecond) // the daemon gives out two such looks a second
	}
	compared(t, "login, refresh at login : cat", ours, theirs, 0)
}
