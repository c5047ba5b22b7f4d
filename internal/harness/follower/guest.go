package follower

import (
	"context"
	"encoding/base64"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/contracts"
	"dpki/device/answer"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// Guest is a key that may log in: its grant, and its certificate by the rig's CA.
type Guest struct {
	Key   ssh.PublicKey
	Grant contracts.Change
	Cert  *ssh.Certificate
}

// Granted lets a new key in to an account of this device; root by GRANT_PRIV.
func (r *Rig) Granted(account string, last time.Duration) Guest {
	r.Helper()
	kind := state.KindGrant
	if account == "root" {
		kind = state.KindGrantPriv
	}
	g := Guest{Key: r.Org.NewKey().PublicKey()}
	g.Grant = r.Org.Grant(r.Mailbox, kind, account, g.Key, last)
	g.Cert = r.Org.Certificate(r.CA, g.Key, g.Grant)
	return g
}

// OfferOf is what sshd asks when a key is offered.
func OfferOf(account string, key ssh.PublicKey) authkeys.Request {
	return authkeys.Request{
		Stage: authkeys.StageOffer, Account: account, KeyType: key.Type(), Key: base64.StdEncoding.EncodeToString(key.Marshal()), ExpiryTime: true,
	}
}

// Offer asks as sshd does when a key is offered.
func (r *Rig) Offer(account string, key ssh.PublicKey) answer.Verdict {
	return answer.NewDoor(r.Engine, breakglass.Store{}).Decide(context.Background(), OfferOf(account, key))
}

// Allowed says that an offer has to be accepted.
func (r *Rig) Allowed(what, account string, key ssh.PublicKey) {
	r.Helper()
	if v := r.Offer(account, key); !v.Allow {
		r.Errorf("%s: %v (%v, age %v)", what, v.Reason, v.Freshness, v.Now.Age)
	}
}

// Refused says what it is refused for.
func (r *Rig) Refused(what, account string, key ssh.PublicKey, want authkeys.Reason) {
	r.Helper()
	if v := r.Offer(account, key); v.Allow || v.Reason != want {
		r.Errorf("%s: allowed %v, %v; want %v (%v, age %v)", what, v.Allow, v.Reason, want, v.Freshness, v.Now.Age)
	}
}
