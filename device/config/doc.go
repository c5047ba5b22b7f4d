// Package config is the daemon's own configuration, /etc/dpki/dpkid.toml, and
// the places of its other files. Enrolment writes it; an administrator may edit
// it. A field that is not known, a value out of range, a file or folder above it
// that anybody but its owner could replace: each is an error that names it, and
// the daemon does not run.
package config
