package main

import (
	"log/slog"
	"log/syslog"
	"os"
	"syscall"

	"dpki/device/answer"
)

// openAudit finds the places for audit lines. A syslog that does not take one is
// tried again with the next; the line goes to the daemon's own log then.
func (d *daemon) openAudit(path string, log *slog.Logger) (*answer.Audit, error) {
	a := &answer.Audit{}
	if path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		d.close = append(d.close, f)
		a.JSON = f
	}
	fields := &journald{path: "/run/systemd/journal/socket"}
	a.Journal = func(line string, f map[string]string, alarm bool) error { return fields.send(severity(alarm), line, f) }
	to := &syslogger{path: "/dev/log"}
	a.Syslog = func(line string, alarm bool) error {
		if err := to.send(severity(alarm), line); err != nil {
			log.Info("audit", "line", line, "syslog", err)
		}
		return nil
	}
	return a, nil
}

func severity(alarm bool) syslog.Priority {
	if alarm {
		return syslog.LOG_ALERT
	}
	return syslog.LOG_INFO
}
