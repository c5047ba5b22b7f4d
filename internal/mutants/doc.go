// Command mutants shows that the tests stand for something: it takes one guard
// out at a time, and the test that names this guard must fail.
//
//	make mutants                                  all of them
//	go run ./internal/mutants 'decision/*'        some
//	go run ./internal/mutants -renew NAME FILE COPY
//
// A mutant is a file patches/PART/NAME.patch. Parts are contract (contracts/src),
// replay (what a device makes of logs, proofs and bundles) and decision (who gets
// in). The file is three lines, each once and in this order, and a patch of one
// file of the checkout in git's form:
//
//	guard: the check that is taken out
//	gain: what somebody could do without it
//	test: FOLDER.TEST, as in docs/threat-model.md; a subtest after a slash
//	diff --git ...
//
// The checkout is never changed: Go mutants are built through an overlay (go help
// build), those of the contract in a copy of its folder and without the optimizer,
// several at a time.
//
// A mutant is killed if the named test fails by an assertion of its own. The run
// fails if it passes (the guard is not tested), and as well if the patch does not
// apply, if what it makes does not compile, if the test is not there, is skipped
// or fails without the patch too, and if the process dies or takes too long: none
// of these says anything about the guard.
//
// A patch has one line of context, so that what changes beside it does not matter.
// One whose own lines have changed is renewed: copy FILE, take the guard out of the
// copy, and -renew writes the difference under the three lines that are there.
// Whoever adds a mutant writes these first.
//
// The closing lines are those of internal/suite, which counts them. Without forge
// the mutants of the contract are skipped, which fails where CI=true.
package main
