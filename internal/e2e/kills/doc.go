// Package kills ends real daemons by SIGKILL, at any instant of what they do with
// a chain on which something is written all the time, and looks at what is on
// disk then: one state that was, never a mixture, never an older one.
package kills
