package attack

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness/hostile"
)

// TestOnlyProofsAreRead: what stands in an answer beside headers, proof nodes
// and entries may say anything. It changes nothing, in either direction.
func TestOnlyProofsAreRead(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	for _, row := range []struct {
		name string
		tell hostile.Lie
	}{
		{"values, hashes and balance", hostile.Values()},
		{"another member", hostile.Body(func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"accountProof":`), []byte(`"grant":"root","accountProof":`))
		})},
		{"another order and white space", hostile.Body(func(b []byte) []byte {
			var all []json.RawMessage
			if json.Unmarshal(b, &all) != nil {
				return b
			}
			for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
				all[i], all[j] = all[j], all[i]
			}
			out, _ := json.MarshalIndent(all, " ", "\t")
			return out
		})},
		{"where entries were in their blocks", hostile.Logs(func(l []hostile.Log) []hostile.Log {
			for i := range l {
				l[i] = l[i].With("logIndex", "0x7fff").With("transactionHash", "0x"+strings.Repeat("00", 32))
			}
			return l
		})},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := s.In(t)
			s.Endpoints[0].Tell(row.tell)
			u := s.Granted("alice")
			s.Until("granted under the lie", u, true)
			s.Revoke(u)
			s.Until("revoked under the lie", u, false)
			s.Refuses("revoked under the lie", u, authkeys.GrantRevoked)
			if s.Endpoints[0].Count().Altered == 0 {
				t.Error("the lie was not told")
			}
		})
	}
}
