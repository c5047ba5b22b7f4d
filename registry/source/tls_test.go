package source

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"dpki/registry"
)

// https and wss: who shows a certificate that nobody vouches for is not asked,
// and the same server with one that is trusted is.
func TestOverTLS(t *testing.T) {
	plain, _ := serve(t)
	plain.answer = func(method string, _ []any) any { return method }
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			plain.handle(w, r)
			return
		}
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for {
			_, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			answerWS(r.Context(), c, b)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = true // which WebSocket does not go over
	server.StartTLS()
	defer server.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	for _, scheme := range []string{"https", "wss"} {
		c, err := Dial(scheme + strings.TrimPrefix(server.URL, "https"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Head(t.Context(), headQuery); registry.FaultOf(err) != registry.Unavailable || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s, a certificate that nobody vouches for: %v", scheme, err)
		}
		c.http.Transport.(*http.Transport).TLSClientConfig.RootCAs = trusted
		c.backoff.succeeded()
		if r, err := c.Head(t.Context(), headQuery); err != nil || string(r.Proof) != `"eth_getProof"` {
			t.Errorf("%s, the twin: %s, %v", scheme, r.Proof, err)
		}
	}
}
