package source

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// asked is how a question came to a server.
type asked struct {
	hybrid, resumed bool
}

// A recorder who breaks X25519 one day reads nothing: a connection offers it alone
// only to resume a session that began with a hybrid exchange, and where the server
// resumes nothing, no question leaves by such a connection.
func TestQuestionsStayHybrid(t *testing.T) {
	plain, _ := serve(t)
	plain.answer = func(method string, _ []any) any { return method }
	var mu sync.Mutex
	var seen []asked
	forgets := false // the server makes a new key for each connection
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, asked{r.TLS.CurveID == tls.X25519MLKEM768, r.TLS.DidResume})
		mu.Unlock()
		plain.handle(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	key := ticketKey()
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		if forgets {
			key = ticketKey()
		}
		c := server.TLS.Clone()
		c.SetSessionTicketKeys([][32]byte{key})
		return c, nil
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(server.Certificate())
	c, err := Dial(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := c.http.Transport.(*http.Transport)
	transport.TLSClientConfig.RootCAs, transport.DisableKeepAlives = trusted, true // each question by a connection of its own
	ask := func(times int) []asked {
		t.Helper()
		for range times {
			if _, err := c.Head(t.Context(), headQuery); err != nil {
				t.Fatal(err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		defer func() { seen = nil }()
		return seen
	}
	hybrid, resumedHybrid, spared := asked{true, false}, asked{true, true}, asked{false, true}
	if got, want := ask(4), []asked{hybrid, resumedHybrid, spared, spared}; !slices.Equal(got, want) {
		t.Errorf("a server that resumes: %v, want %v", got, want)
	}
	mu.Lock()
	forgets = true
	mu.Unlock()
	if got, want := ask(3), []asked{hybrid, hybrid, hybrid}; !slices.Equal(got, want) {
		t.Errorf("a server that forgets: %v, want %v", got, want)
	}
	mu.Lock()
	forgets = false
	mu.Unlock()
	// Seen to resume once, by a hybrid exchange, it is spared again.
	if got, want := ask(4), []asked{resumedHybrid, spared, spared, spared}; !slices.Equal(got, want) {
		t.Errorf("a server that resumes again: %v, want %v", got, want)
	}
}

func ticketKey() (key [32]byte) {
	rand.Read(key[:])
	return key
}
