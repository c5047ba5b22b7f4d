package main

import (
	"log/syslog"
	"net"
	"path/filepath"
	"testing"
)

func TestJournalEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	j := &journald{path: path}
	if err := j.send(syslog.LOG_INFO, "a line", nil); err == nil {
		t.Error("sent to nobody")
	}
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// A value that would add a field of its own, if a newline ended it.
	if err := j.send(syslog.LOG_ALERT, "session opened: account=\"a\"", map[string]string{"account": "a\nDPKI_ALLOW=true", "grant": "07"}); err != nil {
		t.Fatal(err)
	}
	const want = "MESSAGE=session opened: account=\"a\"\nPRIORITY=1\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=dpkid\n" +
		"DPKI_ACCOUNT\n\x11\x00\x00\x00\x00\x00\x00\x00a\nDPKI_ALLOW=true\nDPKI_GRANT=07\n"
	buffer := make([]byte, 1<<10)
	n, err := l.Read(buffer)
	if err != nil || string(buffer[:n]) != want {
		t.Errorf("got %q, %v\nwant %q", buffer[:n], err, want)
	}
}
