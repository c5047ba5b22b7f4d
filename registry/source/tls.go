package source

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
)

// resumption opens the TLS connections of one place. An idle device's connection
// has been closed by its next look, so each look begins one, and resumes the last
// session (RFC 8446, 2.2): that saves the server's certificates.
//
// It saves the hybrid key exchange too, 2.3 KB a connection of which the rest of
// a handshake is 1.3. The secrets of a resumed session come from those of the one
// before as well as from the new exchange (RFC 8446, 7.1), so that whoever
// records today, and breaks X25519 one day, still lacks the first handshake's,
// which was hybrid. That holds for sessions that are resumed alone: a connection
// that offered less than the default and was not resumed carries no question.
type resumption struct {
	transport *http.Transport // whose TLSClientConfig counts
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	resumed   atomic.Bool // the last connection was
}

// What is spoken over TLS.
var (
	overHTTP      = []string{"h2", "http/1.1"}
	overWebSocket = []string{"http/1.1"} // RFC 6455 is an upgrade of that
)

// classical are the key exchanges without a post-quantum part.
var classical = []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}

// open is http.Transport's DialTLSContext.
func (r *resumption) open(ctx context.Context, network, address string) (net.Conn, error) {
	if r.resumed.Load() {
		switch conn, err := r.handshake(ctx, network, address, classical); {
		case err != nil:
			return nil, err
		case conn.ConnectionState().DidResume:
			return conn, nil
		default:
			conn.Close() // the server has forgotten the session
		}
	}
	conn, err := r.handshake(ctx, network, address, nil)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// handshake is a connection that offers these key exchanges, nil = the default.
func (r *resumption) handshake(ctx context.Context, network, address string, offer []tls.CurveID) (*tls.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.transport.TLSHandshakeTimeout)
	defer cancel()
	plain, err := r.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	config := r.transport.TLSClientConfig.Clone()
	config.ServerName, config.CurvePreferences = host, slices.Clone(offer)
	conn := tls.Client(plain, config)
	err = conn.HandshakeContext(ctx)
	r.resumed.Store(err == nil && conn.ConnectionState().DidResume)
	if err != nil {
		plain.Close()
		return nil, err
	}
	return conn, nil
}
