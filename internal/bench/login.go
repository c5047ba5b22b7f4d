package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/state"
)

// perKey is how many pairs are measured with one host key. sshd stretches the
// answer to each offer to a delay that it derives from host key and account,
// and doubles that until it fits (auth2.c, ensure_minimum_time_since): 1 ms more
// may cost nothing or 8 ms. So both servers share their key, and change it often.
const perKey = 10

// duel is two sshds that differ in one thing.
type duel struct{ ours, theirs *sshd.Server }

// catDuel differs in the AuthorizedKeysCommand: theirs is cat, with the line that
// the daemon prints.
func (d *bench) catDuel() duel {
	line := d.Ask("alice", d.cert)
	if line == "" {
		d.Fatalf("the daemon refuses the login to be measured: %+v", d.LastAudit())
	}
	path := filepath.Join(harness.RootDir(d), "line")
	d.Must(os.WriteFile(path, []byte(line), 0o644))
	c := quiet()
	c.Command = machine.Helper
	ours := sshd.Start(d, c)
	c.Command, c.HostKeyFile = "/usr/bin/cat "+path, ours.HostKeyFile
	return d.warm(duel{ours, sshd.Start(d, c)})
}

// warm logs in once: the first run is not like the others.
func (d *bench) warm(two duel) duel {
	d.timed(two.ours, d.client)
	d.timed(two.theirs, d.client)
	return two
}

// fight measures pairs of logins, with a new duel for each host key, in turns.
func (d *bench) fight(pairs int, begin func() duel) (ours, theirs sample) {
	ours, theirs = make(sample, pairs), make(sample, pairs)
	var two duel
	for i := range pairs {
		if i%perKey == 0 {
			if i > 0 {
				two.stop()
			}
			two = begin()
		}
		if i%2 == 0 {
			ours[i], theirs[i] = d.timed(two.ours, d.client), d.timed(two.theirs, d.client)
		} else {
			theirs[i], ours[i] = d.timed(two.theirs, d.client), d.timed(two.ours, d.client)
		}
	}
	two.stop()
	return ours, theirs
}

func (two duel) stop() {
	two.ours.Stop()
	two.theirs.Stop()
}

// timed logs in and returns how long that took.
func (d *bench) timed(server *sshd.Server, c sshd.Client) time.Duration {
	took, ok := d.tried(server, c)
	if !ok {
		d.Fatalf("a login to be measured was refused: %+v", d.LastAudit())
	}
	return took
}

func (d *bench) tried(server *sshd.Server, c sshd.Client) (took time.Duration, ok bool) {
	began := time.Now()
	got := server.Login(d, c, "true")
	return time.Since(began), got.Code == 0
}

// freshLogins compares logins with a State that is fresh.
func (d *bench) freshLogins(t *report, pairs int) {
	ours, theirs := d.fight(pairs, d.catDuel)
	for _, a := range d.Audit() {
		if a.Refreshed || !a.Allow || a.Freshness != "fresh" {
			d.Fatalf("a login that was to be fresh: %+v", a)
		}
	}
	compared(t, "login, fresh State : cat", ours, theirs, 1.05)
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
	d.proxy.silence()
	var ours, theirs sample
	var two duel
	late := 0
	for tries := 0; len(ours) < n; tries++ {
		if tries == 2*n+10 {
			d.Fatalf("of %d logins only %d were refreshed", tries, len(ours))
		}
		if tries%perKey == 0 {
			if tries > 0 {
				two.stop()
			}
			two = d.catDuel()
		}
		key := d.Org.NewKey()
		grant := d.Org.GrantEntry(d.ID, state.KindGrant, "alice", key.PublicKey(), 20*time.Hour)
		c := d.Client("alice", key, d.Org.Certificate(d.ca, key.PublicKey(), grant))
		c.Options = d.client.Options
		asked := len(d.Audit())
		d.Org.Write(d.ID, grant)
		took, ok := d.tried(two.ours, c)
		if !ok { // the look took more than a login waits for: the machine is busy
			late++
			continue
		}
		// A login counts if one of sshd's two questions was answered after a look.
		for _, a := range d.Audit()[asked:] {
			if a.Refreshed {
				ours = append(ours, took)
				theirs = append(theirs, d.timed(two.theirs, d.client))
				break
			}
		}
		time.Sleep(600 * time.Millisecond) // the daemon gives out two such looks a second
	}
	two.stop()
	compared(t, "login, refresh at login : cat", ours, theirs, 0)
	t.note("logins refused since the look was late", fmt.Sprint(late), fmt.Sprintf("beside %d that were let in", n))
}
