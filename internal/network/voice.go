package network

import (
	"net"
	"net/url"
	"strings"
)

// Voice is who speaks at a URL: host and port, in one spelling. A provider's two
// protocols, paths and access keys are one voice; that two hosts are one
// provider's, nobody can tell from their names.
func Voice(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.TrimSuffix(strings.ToLower(u.Hostname()), "."), port)
}

// Host is an endpoint for people: without user, path and query, which may hold an
// access key.
func Host(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "?"
	}
	return u.Host
}

// MirrorVoice is the voice of every mirror: all of them together count as one
// endpoint, whatever they relay and however many there are.
const MirrorVoice = "mirrors"

func voicesOf(endpoints []string) int {
	voices := map[string]bool{}
	for _, e := range endpoints {
		voices[Voice(e)] = true
	}
	return len(voices)
}
