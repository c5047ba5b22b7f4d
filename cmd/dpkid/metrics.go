package main

import (
	"fmt"
	"io"
	"strings"

	"dpki/device"
)

// metrics writes a status in the text format of Prometheus (version 0.0.4), for
// the node exporter's textfile collector: the daemon itself listens nowhere.
func metrics(w io.Writer, s device.Status) error {
	var b strings.Builder
	one := func(name, kind, help string, value any) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %v\n", name, help, name, kind, name, value)
	}
	flag := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	one("dpki_decides", "gauge", "Whether logins are decided from verified state.", flag(s.Decides()))
	one("dpki_fresh", "gauge", "Whether the verified state is fresh.", flag(s.Freshness == "fresh"))
	one("dpki_offline", "gauge", "Whether the verified state is older than the offline period.", flag(s.Freshness == "offline"))
	one("dpki_age_seconds", "gauge", "Age of the verified state.", s.Age)
	one("dpki_block", "gauge", "Newest verified block.", s.Block)
	one("dpki_finalized_block", "gauge", "Newest block that is final.", s.Finalized)
	one("dpki_clock_offset_seconds", "gauge", "The machine's clock against verified time.", int64(s.Wall)-int64(s.Time))
	one("dpki_grants", "gauge", "Live grants.", s.Grants)
	one("dpki_journal_ok", "gauge", "Whether the journal could be written.", flag(s.Journal == ""))
	applied, refused := 0, 0
	for _, d := range s.Delivered {
		switch {
		case !d.OK():
			refused++
		case d.Result != device.Superseded:
			applied++
		}
	}
	one("dpki_deliveries_applied", "gauge", "Deliveries in force.", applied)
	one("dpki_deliveries_refused", "gauge", "Deliveries that were refused for good.", refused)
	one("dpki_deliveries_waiting", "gauge", "Deliveries that could not be applied yet.", s.Awaited)
	one("dpki_deliveries_not_cosigned", "gauge", "Deliveries that too few watchdogs have signed.", s.Unsigned)
	one("dpki_successor", "gauge", "Whether the organisation points to one that this device has not followed it to.", flag(s.Successor != nil))
	one("dpki_followed", "gauge", "How often this device has followed its organisation.", len(s.Left))
	one("dpki_agree", "gauge", "Endpoints that must agree.", s.Agree)
	one("dpki_witnesses_agree", "gauge", "Witnesses that must have signed.", s.Signed)
	for _, m := range []struct {
		name, kind, help string
		value            func(device.EndpointHealth) any
	}{
		{"dpki_endpoint_ok", "gauge", "Whether an endpoint, mirror or witness was believed last.", func(h device.EndpointHealth) any { return flag(h.OK) }},
		{"dpki_endpoint_looks_total", "counter", "Looks in which its word counted.", func(h device.EndpointHealth) any { return h.Looks }},
		{"dpki_endpoint_missed_total", "counter", "Looks in which it could not be asked, or was behind.", func(h device.EndpointHealth) any { return h.Missed }},
		{"dpki_endpoint_lies_total", "counter", "Looks in which its answer was wrong.", func(h device.EndpointHealth) any { return h.Lies }},
	} {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.name, m.help, m.name, m.kind)
		for _, h := range s.Health {
			fmt.Fprintf(&b, "%s{name=\"%s\"} %v\n", m.name, label(h.Name), m.value(h))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// label escapes a value as the format asks for.
func label(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) }
