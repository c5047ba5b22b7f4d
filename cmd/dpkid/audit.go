package main

import (
	"log/slog"
	"log/syslog"
	"os"
	"syscall"

	"dpki/device"
)

// openAudit finds the places for audit lines. A syslog that is not there yet is
// tried again with each line.
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
	var w *syslog.Writer
	a.Syslog = func(line string, alarm bool) (err error) {
		if w == nil {
			if w, err = syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_INFO, "dpkid"); err != nil {
				w = nil
				log.Info("audit", "line", line)
				return nil
			}
		}
		if alarm {
			return w.Alert(line)
		}
		return w.Info(line)
	}
	return a, nil
}
