package attack

import (
	"bytes"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/e2e/attack/siege"
	"dpki/sshca/profile"

	"github.com/ethereum/go-ethereum/ethclient"
)

// TestChainAndStoreNameNobody reads all that a public chain and a public store
// hold of an organisation at work: every transaction, every log, every block of
// content. No name stands there, no account, no key and no hash of one. The ids
// that are meant to be public do.
func TestChainAndStoreNameNobody(t *testing.T) {
	chain := siege.Durable(t)
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, Chain: chain})
	u := s.Granted("alice")
	s.Until("granted", u, true)
	s.Revoke(u)
	s.Until("revoked", u, false)
	public := append(onChain(s), inStore(s, chain.Dir)...)
	userKey, caKey := profile.Hash(u.Key.PublicKey()), profile.Hash(s.CA.PublicKey())
	zoneKey := s.Org.Keys[0].Key
	for name, secret := range map[string][]byte{
		"the account": []byte("alice"), "the device's name": []byte("gate-7"), "the zone's name": []byte("plant"), "an endpoint": []byte("127.0.0.1"),
		"the user's key": u.Key.PublicKey().Marshal()[19:], "its hash": userKey[:], "the CA's key": s.CA.PublicKey().Marshal()[19:], "the CA's hash": caKey[:],
		"the host key": s.Sshd.Host.Marshal()[19:], "the device's recipient": []byte(s.Asked.Recipient.String()), "the zone's key": zoneKey[:], "the mailbox secret": s.Asked.MailboxSecret[:],
	} {
		if bytes.Contains(public, secret) {
			t.Errorf("%s stands in public", name)
		}
	}
	// The twin: what everybody may see is found in the same bytes.
	admin := s.Org.Chain.AdminAddress()
	for name, open := range map[string][]byte{"the zone's id": s.Org.Zone[:], "the device's id": s.ID[:], "the grant's id": u.Grant.Subject[:], "the administrator": admin[:]} {
		if !bytes.Contains(public, open) {
			t.Errorf("%s was not found: the search shows nothing", name)
		}
	}
	t.Logf("%d bytes were looked through", len(public))
}

// onChain is every transaction's data, and every log.
func onChain(s *siege.Site) (all []byte) {
	s.Helper()
	c, err := ethclient.Dial(s.Org.Chain.HTTP)
	s.Must(err)
	defer c.Close()
	for n := range s.Org.Chain.Number() {
		block, err := c.BlockByNumber(s.T.Context(), new(big.Int).SetUint64(n+1))
		s.Must(err)
		for _, tx := range block.Transactions() {
			all = append(all, tx.Data()...)
			receipt, err := c.TransactionReceipt(s.T.Context(), tx.Hash())
			s.Must(err)
			for _, l := range receipt.Logs {
				for _, topic := range l.Topics {
					all = append(all, topic[:]...)
				}
				all = append(all, l.Data...)
			}
		}
	}
	return all
}

// inStore is every block of content.
func inStore(s *siege.Site, dir string) (all []byte) {
	s.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "blocks", "*"))
	s.Must(err)
	if len(files) < 3 {
		s.Fatalf("%d blocks of content", len(files))
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		s.Must(err)
		all = append(all, b...)
	}
	return all
}
