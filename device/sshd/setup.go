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
	"dpki/device/pamd"
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
	// ErrMethods: an account may log in by something else than a public key, on purpose.
	ErrMethods = errors.New("AuthenticationMethods lets in without a public key")
	// ErrNoPAM: sshd does not use PAM, and sessions could not be ended with their grants.
	ErrNoPAM = errors.New("sshd does not use PAM")
	// ErrNotSetUp: there is nothing to undo.
	ErrNotSetUp = errors.New("there is no drop-in")
)

// Setup is the drop-in, and PAM's lines, of one machine.
type Setup struct {
	Server
	Helper     string // the program that sshd runs
	HelperUser string // as whom
	PAM        pamd.Services
}

// Path is where the drop-in stands.
func (s Setup) Path() string {
	return filepath.Join(filepath.Dir(s.Config), "sshd_config.d", DropInName)
}

// Wish is what set-up is asked for.
type Wish struct {
	Governed
	Sudo pamd.Sudo // what sudo asks of governed accounts
}

// Install writes the drop-in and PAM's lines, and has sshd confirm, account by
// account, that the drop-in does what it says and that another account is served
// as before. On any error what stood there before stands there again. It does not
// reload sshd. It returns what it changed, and notes that an administrator should
// know.
func (s Setup) Install(ctx context.Context, w Wish) (made config.Changes, notes []string, err error) {
	p, err := s.plan(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Test(ctx); err != nil {
		return nil, nil, fmt.Errorf("before anything was changed: %w", err)
	}
	before, err := s.bystander(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(s.Path()), 0o755); err != nil {
		return nil, nil, err
	}
	// PAM's lines first: the module lets be whom no drop-in governs.
	if err := p.files.Make(); err != nil {
		return nil, nil, err
	}
	if err := s.confirm(ctx, p, before); err != nil {
		return nil, nil, errors.Join(err, p.files.TakeBack())
	}
	return p.files, p.notes, nil
}

// Undo removes the drop-in and PAM's lines, and returns what it changed.
func (s Setup) Undo(ctx context.Context) (config.Changes, error) {
	changes, err := s.PreviewUndo()
	if err != nil {
		return nil, err
	}
	if err := changes.Make(); err != nil {
		return nil, err
	}
	if err := s.Test(ctx); err != nil {
		return nil, fmt.Errorf("the drop-in is gone, but %w", err)
	}
	return changes, nil
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
func (s Setup) bystander(ctx context.Context) (string, error) {
	e, err := s.Effective(ctx, nobody)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(e), nil
}

// nobody is an account that no drop-in of ours can name: it is not valid.
const nobody = "-nobody-"

func (s Setup) confirm(ctx context.Context, p plan, before string) error {
	if err := s.Test(ctx); err != nil {
		return err
	}
	for _, a := range p.accounts {
		e, err := s.Effective(ctx, a)
		if err != nil {
			return err
		}
		if err := p.dropIn.check(e); err != nil {
			return fmt.Errorf("%w for %q: %w", ErrNoEffect, a, err)
		}
	}
	after, err := s.bystander(ctx)
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
	d, err := s.installed()
	if err != nil {
		return err
	}
	e, err := s.Effective(ctx, account)
	if err != nil {
		return err
	}
	if err := d.check(e); err != nil {
		return fmt.Errorf("%w for %q: %w", ErrNoEffect, account, err)
	}
	return s.ahead()
}

// Installed reads back whom the drop-in governs.
func (s Setup) Installed() (Governed, error) {
	d, err := s.installed()
	return d.Governed, err
}

func (s Setup) installed() (dropIn, error) {
	text, err := s.current()
	if err != nil {
		return dropIn{}, err
	}
	if text == nil {
		return dropIn{}, ErrNotSetUp
	}
	d := parseDropIn(string(text))
	d.helper, d.user = s.Helper, s.HelperUser
	return d, nil
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
	text, err := pidFile(ctx, e.First("pidfile"), restart)
	if err != nil {
		return fmt.Errorf("no running sshd was found: %w", err)
	}
	pid, err := strconv.ParseInt(text, 10, 32)
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
