package admin

import (
	"context"
	"encoding/base64"

	"golang.org/x/crypto/ssh"

	"dpki/authkeys"
	"dpki/state"
)

// Explanation is what a device would answer, and why.
type Explanation struct {
	Device  string `json:"device"`
	Account string `json:"account"`
	Allow   bool   `json:"allow"`
	Reason  string `json:"reason"`
	Hint    string `json:"hint,omitempty"`
	Key     string `json:"key,omitempty"`
	CA      string `json:"ca,omitempty"`
	Grant   string `json:"grant,omitempty"`
	Until   Time   `json:"until,omitempty"`
	Line    string `json:"line,omitempty"` // what sshd would be given
	Block   uint64 `json:"block"`
	At      Time   `json:"at"`
}

// Explain asks the device's own decision, on the log as it stands at the newest
// block, whether a key or certificate may log in. The device may know less: it
// may be behind, or cut off.
func (d *Desk) Explain(ctx context.Context, device, account string, key ssh.PublicKey) (*Explanation, error) {
	m, err := d.device(ctx, device)
	if err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	// The device decides with its zone's and its mailbox's keys; the ring of an
	// administrator holds those and the organisation's, which opens nothing that
	// a device reads.
	view := *d.view(m.Zone, m.Device)
	view.Name = m.Name
	answer := authkeys.Decide(authkeys.Request{
		Stage: authkeys.StageOffer, Account: account, KeyType: key.Type(),
		Key: base64.StdEncoding.EncodeToString(key.Marshal()), ExpiryTime: true,
	}, &view, authkeys.Now{Time: now})
	e := &Explanation{
		Device: d.zoneName(m.Zone) + "/" + m.Name, Account: account, Allow: answer.Allow, Reason: answer.Reason.String(),
		Hint: answer.Reason.Hint(), Key: answer.Fingerprint(), CA: answer.CAFingerprint(), Line: answer.Line,
		Block: d.Ledger.Head().Number, At: Time(now),
	}
	if answer.Allow {
		e.Until = Time(answer.Until)
	}
	if answer.Grant != (state.Word{}) {
		e.Grant = answer.Grant.String()
	}
	return e, nil
}
