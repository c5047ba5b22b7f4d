// Package imports holds the direction in which the packages may use one
// another (docs/architecture.md, "Parts"). It has no code, only the test.
package imports
