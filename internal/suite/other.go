package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// step runs a check that either passes or does not. Its output is shown only when it fails.
func step(name string, args []string, w io.Writer) (tally, error) {
	start := time.Now()
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	verdict, t := "ok  ", tally{Passed: 1}
	if err != nil {
		verdict, t = "FAIL", tally{Failed: 1}
	}
	fmt.Fprintf(w, "%s %-40s %7.2fs\n", verdict, name, time.Since(start).Seconds())
	if err != nil {
		fmt.Fprintf(w, "%s    %v\n", indent(string(out)), err)
	}
	return t, nil
}

// The closing line of forge test, as
// "Ran 3 test suites in 1.20s (2.00s CPU time): 41 tests passed, 0 failed, 0 skipped (41 total tests)".
var forgeLine = regexp.MustCompile(`(?m)^Ran \d+ test suites? in .*: (\d+) tests? passed, (\d+) failed, (\d+) skipped`)

// forge runs forge test and counts its tests. What it printed is shown when something failed.
func forge(args []string, w io.Writer) (tally, error) {
	start := time.Now()
	out, exit := exec.Command(args[0], args[1:]...).CombinedOutput()
	var t tally
	if m := forgeLine.FindSubmatch(out); m != nil {
		t.Passed, _ = strconv.Atoi(string(m[1]))
		t.Failed, _ = strconv.Atoi(string(m[2]))
		skipped, _ := strconv.Atoi(string(m[3]))
		for range skipped {
			t.skip("vm.skip")
		}
	}
	if exit != nil && t.Failed == 0 {
		t.Broken = append(t.Broken, "forge: "+exit.Error())
	}
	verdict := "ok  "
	if t.Failed > 0 || len(t.Broken) > 0 {
		verdict = "FAIL"
		fmt.Fprint(w, indent(string(out)))
	}
	fmt.Fprintf(w, "%s %-40s %7.2fs  %d passed, %d failed, %d skipped\n", verdict, "forge", time.Since(start).Seconds(), t.Passed, t.Failed, t.Skipped)
	return t, nil
}

// The closing lines of a suite, which also other commands close with.
var (
	ranLine     = regexp.MustCompile(`^ran \d+, skipped \d+(?: \(\d+ x (.*)\))?$`)
	closingLine = regexp.MustCompile(`^(\d+) passed, (\d+) failed, (\d+) skipped$`)
)

// counted runs a command that counts by itself and shows what it prints. Its closing lines are held back: close writes the same.
func counted(args []string, w io.Writer) (t tally, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return tally{}, err
	}
	var reason string
	for s := bufio.NewScanner(out); s.Scan(); {
		if m := ranLine.FindStringSubmatch(s.Text()); m != nil {
			reason = m[1]
		} else if m := closingLine.FindStringSubmatch(s.Text()); m != nil {
			t = tally{}
			t.Passed, _ = strconv.Atoi(m[1])
			t.Failed, _ = strconv.Atoi(m[2])
			skipped, _ := strconv.Atoi(m[3])
			for range skipped {
				t.skip(cmp.Or(reason, "no reason given"))
			}
		} else {
			fmt.Fprintln(w, s.Text())
		}
	}
	if _, err := io.Copy(io.Discard, out); err != nil { // after a line that is too long
		t.Broken = append(t.Broken, err.Error())
	}
	if exit := cmd.Wait(); exit != nil && t.Failed == 0 {
		t.Broken = append(t.Broken, args[0]+": "+exit.Error())
	}
	return t, nil
}

// fuzz runs every fuzz target of the packages, one after another: `go test -fuzz` takes one at a time. each is a duration,
// or a count of inputs such as 100x, as -fuzztime takes it.
func fuzz(each string, packages []string, w io.Writer) (sum tally, err error) {
	if n, isCount := strings.CutSuffix(each, "x"); isCount {
		if _, err := strconv.ParseUint(n, 10, 32); err != nil {
			return tally{}, err
		}
	} else if _, err := time.ParseDuration(each); err != nil {
		return tally{}, err
	}
	list := exec.Command("go", append([]string{"list"}, packages...)...)
	list.Stderr = os.Stderr
	names, err := list.Output()
	if err != nil {
		return tally{}, fmt.Errorf("go list: %w", err)
	}
	for name := range strings.FieldsSeq(string(names)) {
		targets, err := fuzzTargets(name)
		if err != nil {
			return tally{}, err
		}
		for _, target := range targets {
			t, err := step(name+" "+target, []string{"go", "test", "-run", "^$", "-fuzz", "^" + target + "$", "-fuzztime", each, name}, w)
			if err != nil {
				return tally{}, err
			}
			sum.add(t)
		}
	}
	return sum, nil
}

func fuzzTargets(pkg string) (targets []string, err error) {
	out, err := exec.Command("go", "test", "-run", "^$", "-list", "^Fuzz", pkg).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -list %s: %w\n%s", pkg, err, bytes.TrimSpace(out))
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Fuzz") {
			targets = append(targets, line)
		}
	}
	return targets, nil
}
