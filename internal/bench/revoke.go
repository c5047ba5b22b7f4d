package main

import (
	"fmt"
	"time"

	"dpki/state"
)

// revocations measures from a revocation's block to the first question that the
// daemon denies, in watch gear with announcements. The helper asks again and
// again, which is finer than whole logins; a real login must then fail.
func (d *bench) revocations(t *report, n int) {
	const bar = time.Second
	var took sample
	for range n {
		key := d.Org.NewKey()
		grant := d.Org.Grant(d.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
		cert := d.Org.Certificate(d.ca, key.PublicKey(), grant)
		if got := d.Login("alice", key, cert); got.Code != 0 {
			d.Fatalf("a login right after its grant: %+v", got)
		}
		d.Org.Revoke(d.ID, grant)
		mined := time.Now()
		for d.Ask("alice", cert) != "" {
			if time.Since(mined) > 10*time.Second {
				d.Fatal("a revoked grant is still accepted after ten seconds")
			}
		}
		took = append(took, time.Since(mined))
		if got := d.Login("alice", key, cert); got.Code != 255 {
			d.Fatalf("a login after the daemon knows of the revocation: %+v", got)
		}
	}
	worst := took.quantile(1)
	t.add("revocation's block to first refusal", short(took.median()), "1 s", worst <= bar, fmt.Sprintf("%s, worst %s, of %d", took.spread(), short(worst), n))
}
