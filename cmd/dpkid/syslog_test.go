package main

import (
	"log/syslog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A syslog daemon that hangs holds up neither logins nor the ends of sessions.
func TestSyslogThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &syslogger{path: path}
	began, sent := time.Now(), 0
	for ; sent < 1<<16 && err == nil; sent++ {
		err = s.send(syslog.LOG_INFO, "a line")
	}
	if took := time.Since(began); err == nil || took > 5*time.Second {
		t.Fatalf("%d lines that nobody reads: %v after %v", sent, err, took)
	}
	began = time.Now()
	if err := s.send(syslog.LOG_INFO, "one more"); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("one more: %v after %v", err, time.Since(began))
	}

	// The twin: it comes to itself.
	buffer := make([]byte, 1024)
	n, err := l.Read(buffer)
	if line := string(buffer[:n]); err != nil || !strings.HasPrefix(line, "<86>") || !strings.HasSuffix(line, "]: a line") || !strings.Contains(line, " dpkid[") {
		t.Errorf("%q, %v", line, err)
	}
	if err := s.send(syslog.LOG_ALERT, "again"); err != nil {
		t.Errorf("after one was read: %v", err)
	}
}

func TestSyslogThatIsAbsent(t *testing.T) {
	s := &syslogger{path: filepath.Join(t.TempDir(), "log")}
	if err := s.send(syslog.LOG_INFO, "a line"); err == nil {
		t.Error("sent to nobody")
	}
}
