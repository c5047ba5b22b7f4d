package sshd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"dpki/device/config"
	"dpki/pam/proc"
	"dpki/state"
)

// Why set-up refuses. In each case nothing has changed.
var (
	// ErrConflict: another AuthorizedKeysCommand serves a governed account.
	ErrConflict = errors.New("another AuthorizedKeysCommand is configured")
	// ErrForeign: a file that is not ours stands at the drop-in's place.
	ErrForeign = errors.New("the drop-in's place is taken by a file that dpkid did not write")
	// ErrNoEffect: sshd does not take the drop-in, or not first.
	ErrNoEffect = errors.New("the drop-in has no effect")
	// ErrAccount: an account or group does not exist, or could not log in anyway.
	ErrAccount = errors.New("account")
	// ErrNotSetUp: there is nothing to undo.
	ErrNotSetUp = errors.New("there is no drop-in")
)

// Setup is the drop-in of one machine.
type Setup struct {
	Server
	Helper     string // the program that sshd runs
	HelperUser string // as whom
}

// Path is where the drop-in stands.
func (s Setup) Path() string {
	return filepath.Join(filepath.Dir(s.Config), "sshd_config.d", DropInName)
}

// Install writes the drop-in and has sshd confirm, account by account, that it
// does what it says and that another account is served as before. On any error
// what stood there before stands there again. It does not reload sshd. Notes
// are what an administrator should know.
func (s Setup) Install(ctx context.Context, g Governed) (notes []string, err error) {
	text, err := g.text(s.Helper, s.HelperUser)
	if err != nil {
		return nil, err
	}
	if err := s.checkFiles(); err != nil {
		return nil, err
	}
	accounts, notes, err := accountsOf(ctx, g)
	if err != nil {
		return nil, err
	}
	old, err := s.current()
	if err != nil {
		return nil, err
	}
	if err := s.Test(ctx); err != nil {
		return nil, fmt.Errorf("before anything was changed: %w", err)
	}
	if err := errors.Join(s.conflicts(ctx, accounts), s.ahead()); err != nil {
		return nil, err
	}
	before, err := s.bystander(ctx, g)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o755); err != nil {
		return nil, err
	}
	if err := config.Write(s.Path(), []byte(text), 0o644); err != nil {
		return nil, err
	}
	if err := s.confirm(ctx, g, accounts, before); err != nil {
		return nil, errors.Join(err, s.restore(old))
	}
	doors, err := s.doors(ctx, accounts)
	return append(notes, doors...), err
}

// Undo removes the drop-in.
func (s Setup) Undo(ctx context.Context) error {
	old, err := s.current()
	if err != nil {
		return err
	}
	if old == nil {
		return ErrNotSetUp
	}
	if err := s.restore(nil); err != nil {
		return err
	}
	if err := s.Test(ctx); err != nil {
		return fmt.Errorf("the drop-in is gone, but %w", err)
	}
	return nil
}

// current is the drop-in that stands there now, nil for none.
func (s Setup) current() ([]byte, error) {
	b, err := config.Read(s.Path(), 64<<10)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !strings.HasPrefix(string(b), header):
		return nil, fmt.Errorf("%s: %w", s.Path(), ErrForeign)
	}
	return b, nil
}

func (s Setup) restore(old []byte) error {
	if old != nil {
		return config.Write(s.Path(), old, 0o644)
	}
	return os.Remove(s.Path())
}

// checkFiles: sshd refuses a helper that anybody but root could replace, and
// says so only when somebody logs in.
func (s Setup) checkFiles() error {
	if _, err := config.Read(s.Config, 1<<20); err != nil {
		return err
	}
	if err := config.CheckFolders(filepath.Dir(s.Helper)); err != nil {
		return err
	}
	info, err := os.Lstat(s.Helper)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || !info.Mode().IsRegular() || owner.Uid != 0 || info.Mode().Perm()&0o022 != 0 || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s has mode %v: %w", s.Helper, info.Mode(), config.ErrUnsafe)
	}
	if strings.ContainsAny(s.Helper, " \t\"'\\%") {
		return fmt.Errorf("%q: %w", s.Helper, config.ErrUnsafe)
	}
	if !exists(context.Background(), "passwd", s.HelperUser) {
		return fmt.Errorf("%w: %q, as whom sshd runs the helper, does not exist", ErrAccount, s.HelperUser)
	}
	return nil
}

// conflicts looks at each governed account as it is served now.
func (s Setup) conflicts(ctx context.Context, accounts []string) error {
	for _, a := range accounts {
		e, err := s.Effective(ctx, a)
		if err != nil {
			return err
		}
		if command := e.First("authorizedkeyscommand"); command != "" && command != "none" && !strings.HasPrefix(command, s.Helper+" ") {
			return fmt.Errorf("%w: %q for %q", ErrConflict, command, a)
		}
		if e.First("pubkeyauthentication") != "yes" {
			return fmt.Errorf("%w: %q may not log in by public key: PubkeyAuthentication is %q", ErrAccount, a, e.First("pubkeyauthentication"))
		}
		if p := e.First("permitrootlogin"); a == "root" && p != "yes" && p != "without-password" && p != "prohibit-password" {
			return fmt.Errorf("%w: root may not log in: PermitRootLogin is %q", ErrAccount, p)
		}
	}
	return nil
}

// bystander is what holds for an account that is not governed.
func (s Setup) bystander(ctx context.Context, g Governed) (string, error) {
	e, err := s.Effective(ctx, nobody)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(e), nil
}

// nobody is an account that no drop-in of ours can name: it is not valid.
const nobody = "-nobody-"

func (s Setup) confirm(ctx context.Context, g Governed, accounts []string, before string) error {
	if err := s.Test(ctx); err != nil {
		return err
	}
	for _, a := range accounts {
		e, err := s.Effective(ctx, a)
		if err != nil {
			return err
		}
		if err := e.check(s.Helper, s.HelperUser); err != nil {
			return fmt.Errorf("%w for %q: %w", ErrNoEffect, a, err)
		}
	}
	after, err := s.bystander(ctx, g)
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("%w: it changes accounts that are not governed", ErrNoEffect)
	}
	return nil
}

// InEffect reports whether sshd's configuration serves an account through the
// helper. What a running sshd does depends on its last reload.
func (s Setup) InEffect(ctx context.Context, account string) error {
	e, err := s.Effective(ctx, account)
	if err != nil {
		return err
	}
	if err := e.check(s.Helper, s.HelperUser); err != nil {
		return fmt.Errorf("%w for %q: %w", ErrNoEffect, account, err)
	}
	return s.ahead()
}

// Installed reads back whom the drop-in governs.
func (s Setup) Installed() (Governed, error) {
	var g Governed
	text, err := s.current()
	if err != nil {
		return g, err
	}
	if text == nil {
		return g, ErrNotSetUp
	}
	for line := range strings.Lines(string(text)) {
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "Match User "); ok {
			g.Users = strings.Split(names, ",")
		}
		if names, ok := strings.CutPrefix(strings.TrimSpace(line), "Match Group "); ok {
			g.Groups = strings.Split(names, ",")
		}
	}
	return g, nil
}

// Holds reports whether an account is governed. Where the machine cannot say of
// which groups it is a member, it is.
func (g Governed) Holds(ctx context.Context, account string) bool {
	if slices.Contains(g.Users, account) {
		return true
	}
	if len(g.Groups) == 0 || !state.ValidAccount(account) {
		return false
	}
	out, err := exec.CommandContext(ctx, "id", "-nG", "--", account).Output()
	if err != nil {
		return true
	}
	return slices.ContainsFunc(strings.Fields(string(out)), func(name string) bool { return slices.Contains(g.Groups, name) })
}

// Accounts are those that can be asked about: the users, and a member of each
// group.
func (g Governed) Accounts(ctx context.Context) ([]string, error) {
	accounts, _, err := accountsOf(ctx, g)
	return accounts, err
}

func accountsOf(ctx context.Context, g Governed) (accounts, notes []string, err error) {
	for _, u := range g.Users {
		if !exists(ctx, "passwd", u) {
			return nil, nil, fmt.Errorf("%w: %q does not exist", ErrAccount, u)
		}
		accounts = append(accounts, u)
	}
	for _, name := range g.Groups {
		line, err := getent(ctx, "group", name)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: group %q does not exist", ErrAccount, name)
		}
		fields := strings.Split(line, ":")
		members := fields[len(fields)-1]
		if member, _, _ := strings.Cut(members, ","); member != "" {
			accounts = append(accounts, member)
			continue
		}
		notes = append(notes, fmt.Sprintf("group %q lists no member, so nobody could be tried", name))
	}
	return accounts, notes, nil
}

func exists(ctx context.Context, database, name string) bool {
	_, err := getent(ctx, database, name)
	return err == nil
}

// getent asks the machine's name service, directories included, which a static
// program cannot do itself.
func getent(ctx context.Context, database, name string) (string, error) {
	out, err := exec.CommandContext(ctx, "getent", database, name).Output()
	return strings.TrimSpace(string(out)), err
}

// Reload has the running server read its configuration again. Sessions go on.
func (s Setup) Reload(ctx context.Context) error {
	e, err := s.Effective(ctx, "root")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(e.First("pidfile"))
	if err != nil {
		return fmt.Errorf("no running sshd was found: %w", err)
	}
	pid, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 32)
	if err != nil {
		return fmt.Errorf("%s: %w", e.First("pidfile"), err)
	}
	p, err := proc.Find(int32(pid))
	if err != nil {
		return fmt.Errorf("no running sshd was found: %w", err)
	}
	if exe, err := p.Exe(); err != nil || exe != "sshd" {
		return fmt.Errorf("process %d is %q, not sshd", pid, exe)
	}
	return syscall.Kill(int(p.PID), syscall.SIGHUP)
}

// Preview is the drop-in that Install would write, after the checks that need
// nothing written.
func (s Setup) Preview(ctx context.Context, g Governed) (string, error) {
	text, err := g.text(s.Helper, s.HelperUser)
	if err != nil {
		return "", err
	}
	accounts, _, err := accountsOf(ctx, g)
	if err != nil {
		return "", err
	}
	if _, err := s.current(); err != nil {
		return "", err
	}
	return text, errors.Join(s.checkFiles(), s.conflicts(ctx, accounts), s.ahead())
}
