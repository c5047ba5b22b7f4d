package main

import (
	"log/slog"
	"log/syslog"
	"os"
	"syscall"

	"dpki/device"
)

// openAudit finds the places for audit lines. A syslog that does not take one is
// tried again with the next; the line goes to the daemon's own log then.
func (d *daemon) openAudit(path string, log *slog.Logger) (*device.Audit, error) {
	a := &device.Audit{}
	if path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		d.close = append(d.close, f)
		a.JSON = f
	}
	to := &syslogger{path: "/dev/log"}
	a.Syslog = func(line string, alarm bool) error {
		severity := syslog.LOG_INFO
		if alarm {
			severity = syslog.LOG_ALERT
		}
		if err := to.send(severity, line); err != nil {
			log.Info("audit", "line", line, "syslog", err)
		}
		return nil
	}
	return a, nil
}
