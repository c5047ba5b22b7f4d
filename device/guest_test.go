package device

import (
	"context"
	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/contracts"
	"dpki/state"
	"encoding/base64"
	"time"

	"golang.org/x/crypto/ssh"
)

// guest is a key that may log in: its grant, and its certificate by the rig's CA.
type guest struct {
	key   ssh.PublicKey
	grant contracts.Change
	cert  *ssh.Certificate
}

// granted lets a new key in to an account of this device; root by GRANT_PRIV.
func (r *rig) granted(account string, last time.Duration) guest {
	r.Helper()
	kind := state.KindGrant
	if account == "root" {
		kind = state.KindGrantPriv
	}
	g := guest{key: r.org.NewKey().PublicKey()}
	g.grant = r.org.Grant(r.mailbox, kind, account, g.key, last)
	g.cert = r.org.Certificate(r.ca, g.key, g.grant)
	return g
}

// offerOf is what sshd asks when a key is offered.
func offerOf(account string, key ssh.PublicKey) authkeys.Request {
	return authkeys.Request{
		Stage: authkeys.StageOffer, Account: account, KeyType: key.Type(), Key: base64.StdEncoding.EncodeToString(key.Marshal()), ExpiryTime: true,
	}
}

// offer asks as sshd does when a key is offered.
func (r *rig) offer(account string, key ssh.PublicKey) Verdict {
	return NewDoor(r.engine, breakglass.Store{}).Decide(context.Background(), offerOf(account, key))
}

// allowed and refused say what an offer has to come to.
func (r *rig) allowed(what, account string, key ssh.PublicKey) {
	r.Helper()
	if v := r.offer(account, key); !v.Allow {
		r.Errorf("%s: %v (%v, age %v)", what, v.Reason, v.Freshness, v.Now.Age)
	}
}

func (r *rig) refused(what, account string, key ssh.PublicKey, want authkeys.Reason) {
	r.Helper()
	if v := r.offer(account, key); v.Allow || v.Reason != want {
		r.Errorf("%s: allowed %v, %v; want %v (%v, age %v)", what, v.Allow, v.Reason, want, v.Freshness, v.Now.Age)
	}
}
