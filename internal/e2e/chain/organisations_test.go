package chain

import (
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

// Two organisations of equal salts and names on one contract are strangers.
func TestTwoOrganisations(t *testing.T) {
	w := newWorld(t)
	twin := fleet.By(t, w.Org.Chain, w.funded(), w.Org.Admin.Salt)
	if twin.Anchor.Org == w.Org.Anchor.Org {
		t.Fatal("equal salts gave equal organisations")
	}
	if twin.Zone == w.Org.Zone {
		t.Fatal("equal zones")
	}
	key := w.Org.NewKey()

	// The other organisation enters this device, a CA and a grant of its own.
	mailbox := w.Asked.Mailbox(twin.Zone)
	w.Must(twin.Ring.AddMailbox(mailbox, w.Asked.MailboxSecret))
	theirCA := twin.NewCA()
	theirs := twin.Grant(mailbox, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	w.read()
	w.refused("their CA, their grant", "alice", key, twin.Certificate(theirCA, key.PublicKey(), theirs), authkeys.CAUnknown)
	w.refused("our CA, their grant", "alice", key, twin.Certificate(w.ca, key.PublicKey(), theirs), authkeys.GrantUnknown)

	// It writes our own sealed bytes by the name of our mailbox: the contract lets it, in its own log.
	ours := w.Org.GrantEntry(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	twin.Write(w.ID, ours)
	w.read()
	cert := w.Org.Certificate(w.ca, key.PublicKey(), ours)
	w.refused("our mailbox in their log", "alice", key, cert, authkeys.GrantUnknown)
	// Into ours it cannot: neither with its own authority nor with ours.
	w.reverts("another organisation's administrator wrote into our log", w.Org.WriteAs(twin.Key, twin.Admin, group(w.ID, ours)))
	w.reverts("our administrator's power worked for another key", w.Org.WriteAs(twin.Key, w.Org.Admin, group(w.ID, ours)))
	// Revoking in its log revokes nothing in ours.
	mine := w.Org.Grant(w.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	twin.Revoke(w.ID, mine)
	w.read()
	w.Accepted("revoked by strangers", "alice", key, w.Org.Certificate(w.ca, key.PublicKey(), mine))
	w.write(group(w.ID, ours))
	w.Accepted("the same bytes in our log", "alice", key, cert)
}
