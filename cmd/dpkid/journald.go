package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/syslog"
	"net"
	"slices"
	"strings"
	"time"
)

// journald sends entries with fields to systemd's journal, by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram of
//
//	NAME=VALUE \n                                   where VALUE holds no newline
//	NAME \n | u64 little endian length | VALUE \n    otherwise
//
// Our own fields are DPKI_ and the name of the field in JSON: `journalctl DPKI_ACCOUNT=root DPKI_EVENT='session opened'`.
type journald struct {
	path string
	conn net.Conn // nil: none yet, or the last one failed
}

// send sends one entry. An error says that there is no journal, or that it did not take the entry in time.
func (j *journald) send(severity syslog.Priority, line string, fields map[string]string) error {
	if j.conn == nil {
		conn, err := net.Dial("unixgram", j.path)
		if err != nil {
			return err
		}
		j.conn = conn
	}
	err := j.conn.SetWriteDeadline(time.Now().Add(syslogPatience))
	if err == nil {
		_, err = j.conn.Write(message(severity, line, fields))
	}
	if err != nil {
		j.conn.Close()
		j.conn = nil
	}
	return err
}

func message(severity syslog.Priority, line string, fields map[string]string) []byte {
	var b bytes.Buffer
	put(&b, "MESSAGE", line)
	put(&b, "PRIORITY", fmt.Sprint(int(severity)))
	put(&b, "SYSLOG_FACILITY", fmt.Sprint(int(syslog.LOG_AUTHPRIV>>3)))
	put(&b, "SYSLOG_IDENTIFIER", "dpkid")
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		put(&b, "DPKI_"+strings.ToUpper(name), fields[name])
	}
	return b.Bytes()
}

func put(b *bytes.Buffer, name, value string) {
	b.WriteString(name)
	if strings.Contains(value, "\n") {
		b.WriteByte('\n')
		b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(value))))
	} else {
		b.WriteByte('=')
	}
	b.WriteString(value)
	b.WriteByte('\n')
}
