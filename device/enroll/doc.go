// Package enroll makes and unmakes a device: its identity, journal,
// configuration and enrolment request. It is the only place that writes an
// anchor; another one is accepted after Leave alone, or where package device has
// found that the organisation goes on there (Move).
package enroll
