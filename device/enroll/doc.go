// Package enroll makes and unmakes a device: its identity, journal,
// configuration and enrolment request. It is the only place that writes an
// anchor; another one is accepted after Leave alone.
package enroll
