// Package lessons holds what bit the neighbours, each with the test of ours
// that asks for it. The table is checked: a test that is renamed or dropped is
// missed here.
package lessons
