package admin

import (
	"slices"
	"strings"
)

// Expect refuses a plan in which a device that would be added shows none of
// these fingerprints: the request came over some channel, and the fingerprint is
// what somebody read off the device itself. Dashes and case do not count. No
// fingerprint at all expects no new device.
func Expect(plan []Enrolment, fingerprints []string) error {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "")) }
	for _, e := range plan {
		shown := func(f string) bool { return plain(f) == plain(e.Fingerprint) }
		if !e.Already && !slices.ContainsFunc(fingerprints, shown) {
			return problem(No, "compare with what the device shows; if it differs, somebody changed the request on its way",
				"the request of %s has fingerprint %s, which was not expected", e.Name, e.Fingerprint)
		}
	}
	return nil
}
