package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The three lives of a test binary, told apart by its argv[0]: as `go test` started it, as the first process of the
// namespaces, and as the tests themselves. Not an environment variable: the tests' children must not inherit it.
const (
	stageInit  = "dpki-harness-init"
	stageTests = "dpki-harness-tests"
)

func inNamespace() bool { return os.Args[0] == stageTests }

// Main is the body of TestMain in a package whose tests need the machine to themselves. It does not return. Without root
// the tests run where they are, and those that Need(Namespace) skip, or fail when CI=true.
//
// The commands (of cmd/, as "dpkid") are built first and lie in the namespace where the packages put them; Bin says where.
func Main(m *testing.M, commands ...string) {
	if os.Geteuid() != 0 {
		os.Exit(m.Run())
	}
	os.Exit(Isolated(m.Run, commands...))
}

// Isolated calls run in a machine of its own, as Main does with tests, and returns its exit code. It must be called before
// the program has done anything else: the program is started again, with the same arguments, to run there. Needs root.
func Isolated(run func() int, commands ...string) int {
	switch {
	case os.Args[0] == stageInit:
		return initStage()
	case inNamespace():
		return run()
	default:
		return outerStage(commands)
	}
}

// outerStage builds the product, which needs the network and the caches, and starts the namespaces.
func outerStage(commands []string) int {
	built, err := buildProduct(commands)
	if err != nil {
		return fail(err)
	}
	tmp, err := os.MkdirTemp("", "dpki-test-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(tmp) // also what a test that was killed left in its t.TempDir
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fail(err)
	}

	cgroup := makeCgroup()
	if cgroup != "" {
		defer removeCgroup(cgroup)
	}
	// Pdeathsig is tied to the thread that starts the child: it must not end before the process does.
	runtime.LockOSThread()
	cmd := exec.Command("/proc/self/exe", append(os.Args[1:len(os.Args):len(os.Args)], built, strings.Join(commands, ","), cgroup)...)
	cmd.Args[0] = stageInit
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	// A terminal's ^C goes to the whole foreground group; the first process of a namespace ignores it by default, so end it.
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return fail(fmt.Errorf("namespaces: %w", err))
	}
	go func() {
		<-interrupted
		cmd.Process.Kill()
	}()
	return exitCode(cmd.Wait())
}

// buildProduct builds the commands that the tests want installed and returns the folder that holds them.
func buildProduct(commands []string) (dir string, err error) {
	for _, name := range commands {
		if _, ok := installed[name]; !ok {
			return "", fmt.Errorf("%q is not a command of the product", name)
		}
		if _, err := buildOnce("./cmd/" + name); err != nil {
			return "", err
		}
	}
	return filepath.Join(RepoRoot(), "build", "test"), nil
}

// initStage is process 1: it furnishes the namespaces, starts the tests, and collects the orphans until they end.
func initStage() int {
	args := os.Args[1 : len(os.Args)-3]
	dir, names, cgroup := os.Args[len(os.Args)-3], os.Args[len(os.Args)-2], os.Args[len(os.Args)-1]
	if cgroup != "" {
		if err := enterCgroup(cgroup); err != nil {
			return fail(fmt.Errorf("cgroup: %w", err))
		}
	}
	if err := furnish(dir, strings.FieldsFunc(names, func(r rune) bool { return r == ',' })); err != nil {
		return fail(err)
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = stageTests
	cmd.Env = append(os.Environ(), "HOME=/root", "USER=root", "LOGNAME=root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:"+os.Getenv("PATH"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return fail(err)
	}
	// Not cmd.Wait: process 1 inherits every orphan, and only waiting for any child tells the tests and the orphans apart.
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return fail(fmt.Errorf("wait: %w", err))
		case pid == cmd.Process.Pid && status.Signaled():
			return fail(fmt.Errorf("the tests ended by %v", status.Signal()))
		case pid == cmd.Process.Pid:
			return status.ExitStatus()
		}
	}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	default:
		return fail(err)
	}
}

func fail(err error) int {
	fmt.Fprintf(os.Stderr, "harness: %v\n", err)
	return 1
}
