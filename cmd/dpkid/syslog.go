package main

import (
	"fmt"
	"log/syslog"
	"net"
	"os"
	"time"
)

// syslogPatience is how long a line may wait for the syslog daemon. Decisions
// and the ends of sessions wait for their audit line: package log/syslog would
// have them wait for ever where that daemon hangs.
const syslogPatience = 50 * time.Millisecond

// syslogger sends lines to a local syslog socket. It is not safe for concurrent use.
type syslogger struct {
	path string
	conn net.Conn // nil: none yet, or the last one failed
}

// send sends one line. An error says that it is not there, or not in time.
func (s *syslogger) send(severity syslog.Priority, line string) error {
	if s.conn == nil {
		conn, err := net.Dial("unixgram", s.path)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	now := time.Now()
	err := s.conn.SetWriteDeadline(now.Add(syslogPatience))
	if err == nil {
		_, err = fmt.Fprintf(s.conn, "<%d>%s dpkid[%d]: %s", syslog.LOG_AUTHPRIV|severity, now.Format(time.Stamp), os.Getpid(), line)
	}
	if err != nil {
		s.conn.Close()
		s.conn = nil
	}
	return err
}
