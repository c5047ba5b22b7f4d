package main

import (
	"fmt"
	"regexp"
	"strings"
)

// testName is FOLDER.TEST as docs/threat-model.md writes it: a test of Go, with
// the subtest after a slash, or of forge, with its file in the folder's place.
type testName struct {
	folder string // state, or contracts/test/Admin.t.sol
	test   string // TestX, TestX/subtest, or test_x
}

var (
	forgeName = regexp.MustCompile(`^(contracts/test/\w+\.t\.sol)\.(test\w+)$`)
	goName    = regexp.MustCompile(`^([a-z][a-z/]*)\.(Test\w+(?:/\S+)?)$`)
)

func parseTestName(s string) (testName, error) {
	for _, form := range []*regexp.Regexp{forgeName, goName} {
		if m := form.FindStringSubmatch(s); m != nil {
			return testName{m[1], m[2]}, nil
		}
	}
	return testName{}, fmt.Errorf("%q is no test as FOLDER.TEST", s)
}

func (t testName) String() string { return t.folder + "." + t.test }

// contract reports whether forge runs it.
func (t testName) contract() bool { return strings.HasSuffix(t.folder, ".sol") }

// file is a forge test's file, in the contract's folder.
func (t testName) file() string { return strings.TrimPrefix(t.folder, "contracts/") }

// top is the test that a subtest belongs to, or the test itself.
func (t testName) top() string {
	top, _, _ := strings.Cut(t.test, "/")
	return top
}

// exactly is the pattern for -run that matches this test and its subtests.
func (t testName) exactly() string {
	parts := strings.Split(t.test, "/")
	for i := range parts {
		parts[i] = "^" + regexp.QuoteMeta(parts[i]) + "$"
	}
	return strings.Join(parts, "/")
}
