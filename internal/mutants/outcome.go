package main

// outcome is what came of one test. The zero value is none: the test did not run.
type outcome uint8

const (
	absent outcome = iota
	passed
	failed  // by an assertion
	skipped // by itself
	died    // or took too long, and so did everything in its process
)

// ran is what came of one call of go test or forge test.
type ran struct {
	tests   map[string]outcome // by name
	said    map[string]string  // first line by which a test says what is wrong
	unbuilt bool               // nothing ran, for the code does not compile
	late    bool               // it was ended, for it took too long
	output  string             // that explains what is not a test's outcome
}

// what is the outcome of a test.
func (r ran) what(test string) outcome { return r.tests[test] }
