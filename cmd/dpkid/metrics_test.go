package main

import (
	"regexp"
	"strings"
	"testing"

	"dpki/device"
)

// Every line is a comment or a sample; a name with a quote does not end its label.
func TestMetrics(t *testing.T) {
	var out strings.Builder
	s := device.Status{Enrolled: true, Freshness: "fresh", Age: 7, Block: 42, Time: 100, Wall: 98, Health: []device.EndpointHealth{
		{Name: "endpoint 1 (a.example)", OK: true, Looks: 9}, {Name: `x"` + "\n" + `y\`, Lies: 3},
	}}
	if err := metrics(&out, s); err != nil {
		t.Fatal(err)
	}
	sample := regexp.MustCompile(`^dpki_[a-z_]+(\{name="([^"\\]|\\.)*"\})? -?[0-9]+$`)
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "# ") && !sample.MatchString(line) {
			t.Errorf("line %q", line)
		}
		seen[line] = true
	}
	for _, want := range []string{
		"dpki_fresh 1", "dpki_offline 0", "dpki_block 42", "dpki_age_seconds 7", "dpki_clock_offset_seconds -2",
		`dpki_endpoint_ok{name="endpoint 1 (a.example)"} 1`, `dpki_endpoint_lies_total{name="x\"\ny\\"} 3`, "# TYPE dpki_endpoint_lies_total counter",
	} {
		if !seen[want] {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
