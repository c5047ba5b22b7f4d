package main

import (
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/harness"
)

// toy is a checkout with one guard in Go and one in Solidity, and tests of many
// kinds: real runs of go and of forge, on what takes a moment to build.
var toy = map[string]string{
	"go.mod": "module m\n\ngo 1.24\n",
	"guard/guard.go": `package guard

import "errors"

var errNegative = errors.New("negative")

func Check(n int) error {
	if n < 0 {
		return errNegative
	}
	return nil
}
`,
	"guard/guard_test.go": `package guard

import "testing"

func TestNegative(t *testing.T) {
	if Check(-1) == nil {
		t.Error("minus one was let in")
	}
}

func TestRows(t *testing.T) {
	t.Run("minus one", func(t *testing.T) {
		if Check(-1) == nil {
			t.Error("minus one was let in by its row")
		}
	})
	t.Run("one", func(t *testing.T) {
		if Check(1) != nil {
			t.Error("one was refused")
		}
	})
}

func TestPositive(t *testing.T) {
	if Check(1) != nil {
		t.Error("one was refused")
	}
}

func TestSkips(t *testing.T) { t.Skip("it is Monday") }

func TestFailsAnyway(t *testing.T) { t.Error("a bad day") }

func TestPanics(t *testing.T) {
	if Check(-1) == nil {
		panic("minus one was let in")
	}
}

func TestHangs(t *testing.T) {
	for Check(-1) == nil {
	}
}
`,
	"contracts/src/Guard.sol": `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

contract Guard {
    error Negative(int256 n);

    function check(int256 n) external pure {
        if (n < 0) revert Negative(n);
    }
}
`,
	"contracts/test/Guard.t.sol": `// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Guard} from "../src/Guard.sol";

contract GuardTest {
    Guard guard = new Guard();

    function test_negative() external view {
        try guard.check(-1) {
            revert("minus one was let in");
        } catch {}
    }

    function test_positive() external view {
        guard.check(1);
    }

    function test_fails_anyway() external pure {
        revert("a bad day");
    }
}
`,
}

// Patches of the toy, without their heads.
const (
	goPatch = `diff --git a/guard/guard.go b/guard/guard.go
--- a/guard/guard.go
+++ b/guard/guard.go
@@ -7,3 +7,3 @@
 func Check(n int) error {
-	if n < 0 {
+	if n == 7 {
 		return errNegative
`
	goStale = `diff --git a/guard/guard.go b/guard/guard.go
--- a/guard/guard.go
+++ b/guard/guard.go
@@ -7,3 +7,3 @@
 func Check(n int) error {
-	if n <= 0 {
+	if n == 7 {
 		return errNegative
`
	goUnbuilt = `diff --git a/guard/guard.go b/guard/guard.go
--- a/guard/guard.go
+++ b/guard/guard.go
@@ -7,3 +7,3 @@
 func Check(n int) error {
-	if n < 0 {
+	if m < 0 {
 		return errNegative
`
	forgePatch = `diff --git a/contracts/src/Guard.sol b/contracts/src/Guard.sol
--- a/contracts/src/Guard.sol
+++ b/contracts/src/Guard.sol
@@ -6,3 +6,2 @@ contract Guard {
     function check(int256 n) external pure {
-        if (n < 0) revert Negative(n);
     }
`
	forgeStale = `diff --git a/contracts/src/Guard.sol b/contracts/src/Guard.sol
--- a/contracts/src/Guard.sol
+++ b/contracts/src/Guard.sol
@@ -6,3 +6,2 @@ contract Guard {
     function check(int256 n) external pure {
-        if (n <= 0) revert Negative(n);
     }
`
	forgeUnbuilt = `diff --git a/contracts/src/Guard.sol b/contracts/src/Guard.sol
--- a/contracts/src/Guard.sol
+++ b/contracts/src/Guard.sol
@@ -6,3 +6,3 @@ contract Guard {
     function check(int256 n) external pure {
-        if (n < 0) revert Negative(n);
+        if (n < 0) revert Positive(n);
     }
`
)

// writeToy writes the toy. With tools, forge finds what it needs.
func writeToy(t *testing.T, tools bool) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range toy {
		write(t, filepath.Join(root, name), text)
	}
	if !tools {
		return root
	}
	from, to := filepath.Join(harness.RepoRoot(), "contracts"), filepath.Join(root, "contracts")
	settings, err := os.ReadFile(filepath.Join(from, "foundry.toml"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(to, "foundry.toml"), string(settings))
	if err := os.CopyFS(filepath.Join(to, "tools"), os.DirFS(filepath.Join(from, "tools"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(from, "node_modules"), filepath.Join(to, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
