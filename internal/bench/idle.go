package main

import (
	"fmt"
	"time"

	"dpki/device"
)

// tlsBytes is what a new TLS 1.3 connection with a usual chain of certificates
// adds to a look: an idle device's connection has been closed by the next one.
// The bench itself speaks plain HTTP.
const tlsBytes = 6 << 10

// idle reports the bytes of a look and what they come to in a month.
func idle(t *report, looks, bytes int64) {
	const bar = 300e6
	if looks == 0 {
		t.add("idle bytes a look", "none seen", "", false, "")
		return
	}
	a := float64(bytes) / float64(looks)
	t.note("idle bytes a look", fmt.Sprintf("%.1f KB", a/1e3), fmt.Sprintf("mean of %d, HTTP headers included", looks))
	month := (a + tlsBytes) * float64(30*24*time.Hour) / float64(device.Profiles["normal"].Idle)
	t.add("30 days idle, a look in 5 min", fmt.Sprintf("%.0f MB", month/1e6), "300 MB", month <= bar, fmt.Sprintf("with %d KB a look for TLS", tlsBytes>>10))
}
