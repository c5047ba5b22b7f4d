package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"dpki/authkeys/breakglass"
	"dpki/bundle"
	"dpki/device"
	"dpki/device/answer"
	"dpki/device/apply"
	"dpki/device/clock"
	"dpki/device/config"
	"dpki/device/enroll"
	"dpki/device/fetch"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/device/spawn"
	"dpki/device/sshd"
	"dpki/internal/socket/serve"
	"dpki/state"

	"github.com/urfave/cli/v2"
)

// Soft limits on the heap. Both processes together stay below 40 MB, which
// make bench measures.
const (
	runMemory   = 48 << 20
	fetchMemory = 32 << 20
	gcPercent   = 40
	// processors bounds how many threads run Go at once. Each keeps half a
	// megabyte of free pages and its own caches of every size of object; one
	// follows the chain, the other answers sshd.
	processors = 2
)

// frugal sets the garbage collector for a process that stays for months and
// hardly ever has anything to do.
func frugal(memory int64) {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memory)
	runtime.GOMAXPROCS(min(processors, runtime.GOMAXPROCS(0)))
}

func (e *env) runCommand() *cli.Command {
	return &cli.Command{
		Name: "run", Usage: "follow the organisation and answer sshd (the service)",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "verbose", Usage: "log more"}},
		Action: e.arguments(0, 0, e.runDaemon),
	}
}

func (e *env) runDaemon(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	frugal(runMemory)
	signal.Ignore(syscall.SIGHUP)
	level := slog.LevelInfo
	if c.Bool("verbose") {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level}))
	last := lastMove{made: enroll.Begun(e.paths)}
	if err := enroll.Finish(e.paths); err != nil {
		return err
	}
	for {
		d, err := e.assemble(c.Context, log, last)
		if err != nil {
			return err
		}
		move, err := d.run(c.Context)
		if err != nil || move == nil {
			return err
		}
		if last = e.move(c.Context, d, move); c.Context.Err() != nil {
			return nil
		}
	}
}

// daemon is a daemon about to run.
type daemon struct {
	engine    *device.Engine
	succeed   *device.Succession
	audit     *answer.Audit
	log       *slog.Logger
	fetch     *device.Supervisor
	logins    *answer.Logins
	sockets   *answer.Sockets
	listeners answer.Listeners
	close     []io.Closer
}

func (e *env) assemble(ctx context.Context, log *slog.Logger, last lastMove) (_ *daemon, err error) {
	d := &daemon{log: log}
	defer func() {
		if err != nil {
			d.shut()
		}
	}()
	conf, err := config.Load(e.paths.Config())
	if err != nil {
		return nil, notEnrolled(err)
	}
	network, err := config.LoadNetwork(e.paths.Network())
	if err != nil {
		return nil, err
	}
	id, err := bundle.LoadIdentity(e.paths.Identity())
	if err != nil {
		return nil, err
	}
	if err := e.runFolders(); err != nil {
		return nil, err
	}
	j, err := journal.Open(e.paths.Journal(), conf.Anchor)
	if err != nil {
		return nil, err
	}
	d.close = append(d.close, j)
	if err := compact(j, log); err != nil {
		return nil, err
	}
	system, err := clock.System()
	if err != nil {
		return nil, err
	}
	starter, err := spawn.NewStarter("/proc/self/exe", conf.FetchUser, os.Stderr)
	if err != nil {
		return nil, err
	}
	helperUID, helperGID, err := spawn.Account(conf.HelperUser)
	if err != nil {
		return nil, err
	}
	d.fetch = device.NewSupervisor(starter.Start, log)
	applier := openApplier(ctx, e.paths, conf.Sshd, log)
	d.engine, err = device.New(device.Config{
		Anchor: conf.Anchor, Name: conf.Name, Identity: id, Journal: j, Network: network, Fetcher: d.fetch, Clock: system,
		Profile: device.Profiles[conf.Profile], Log: log, ZoneHint: conf.Zone, Applier: applier, Moved: last.made,
		Denied: func(at time.Time, keys iter.Seq[state.Word]) error {
			return breakglass.WriteDenied(e.paths.Denied(), at, keys)
		},
		Sessions: func() int { return d.logins.Count() }, Published: func() { d.logins.Refresh() },
	})
	if err != nil {
		return nil, err
	}
	d.succeed = device.NewSuccession(device.SuccessionConfig{Engine: d.engine, Journal: e.paths.Successor(), Start: starter.Start, Failed: last.failed, Log: log})
	d.audit, err = d.openAudit(conf.AuditFile, log)
	if err != nil {
		return nil, err
	}
	door := answer.NewDoor(d.engine, breakglass.System())
	d.logins, err = answer.NewLogins(answer.LoginsConfig{
		Door: door, Audit: d.audit, Log: log, File: e.paths.Sessions(), Tree: tree(conf.Anchor, log), Governs: governs(ctx, conf.Sshd), Alone: alone(ctx, conf.Sshd),
	})
	if err != nil {
		return nil, err
	}
	d.sockets = &answer.Sockets{
		Door: door, Logins: d.logins, Audit: d.audit, Log: log,
		Helper: helperUID, ExpiryTime: expiryTime(ctx, conf.Sshd, log), Version: version,
	}
	return d, d.listen(e.paths, helperGID)
}

// openApplier makes what installs deliveries. Logins are decided without it too:
// where it cannot be had, nothing is installed and the log says why.
func openApplier(ctx context.Context, p config.Paths, sshd string, log *slog.Logger) device.Applier {
	places, err := apply.LoadPlaces(p.Etc)
	if err != nil {
		log.Error("deliveries are not applied", "error", err)
		return nil
	}
	a, err := apply.Open(ctx, apply.Config{Ledger: p.Deliveries(), Places: places, Sshd: sshd})
	if err != nil {
		log.Error("an interrupted delivery", "error", err)
	}
	if a == nil {
		return nil
	}
	return a
}

// compact takes unused pages out of the journal. A disk without room for a copy
// is no reason not to start.
func compact(j *journal.Journal, log *slog.Logger) error {
	if !j.Wasteful() {
		return nil
	}
	log.Debug("compacting")
	err := j.Compact()
	log.Debug("compacted", "error", err)
	if err != nil && !errors.Is(err, journal.ErrUnsure) {
		log.Warn("the journal's unused pages could not be given back", "error", err)
		return nil
	}
	return err
}

func (d *daemon) listen(p config.Paths, helper uint32) (err error) {
	for _, s := range []struct {
		at **net.UnixListener
		o  serve.Options
	}{
		{&d.listeners.Authkeys, serve.Options{Path: p.Authkeys(), Mode: 0o660, UID: 0, GID: int(helper)}},
		{&d.listeners.Control, serve.Options{Path: p.Control(), Mode: 0o600, UID: 0, GID: 0}},
		{&d.listeners.PAM, serve.Options{Path: p.PAM(), Mode: 0o600, UID: 0, GID: 0}},
	} {
		if *s.at, err = serve.Listen(s.o); err != nil {
			return err
		}
		d.close = append(d.close, *s.at)
	}
	return nil
}

func notEnrolled(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return usage("`dpkid enroll ANCHOR`", "this device is not enrolled: %w", err)
	}
	return err
}

// runFolders makes what a reboot takes away, and opens the state folder for the
// helper, which reads the list of denied keys in it.
func (e *env) runFolders() error {
	if err := os.MkdirAll(e.paths.Run, 0o755); err != nil {
		return err
	}
	// Checked as they are found: a chmod would not take back what others wrote.
	if err := errors.Join(config.CheckFolders(e.paths.Run), config.CheckFolders(e.paths.State)); err != nil {
		return err
	}
	return errors.Join(os.Chmod(e.paths.Run, 0o755), os.Chmod(e.paths.State, 0o711))
}

func expiryTime(ctx context.Context, program string, log *slog.Logger) bool {
	v, err := sshd.VersionOf(ctx, program)
	if err != nil {
		log.Warn("lines for sshd will not carry expiry-time", "error", err)
		return false
	}
	return v.ExpiryTime()
}

// run serves until ctx ends, or the device is to move: then it is for the caller to
// make the Move, and to begin anew.
func (d *daemon) run(ctx context.Context) (*device.Move, error) {
	defer d.shut()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	var move *device.Move
	var others sync.WaitGroup
	others.Go(func() {
		if move = d.succeed.Run(ctx); move != nil {
			cancel()
		}
	})
	others.Go(func() { d.fetch.Run(ctx) })
	others.Go(func() { d.logins.Run(ctx) })
	go func() { d.engine.Run(ctx); ended <- nil }()
	go func() { ended <- d.sockets.Serve(ctx, d.listeners) }()
	err := <-ended
	if err == nil && ctx.Err() == nil {
		err = errors.New("a part of the daemon ended")
	}
	cancel()
	err = errors.Join(err, <-ended)
	others.Wait()
	if move == nil || err != nil {
		return nil, err
	}
	// Before: whoever reads it hears of a move that is interrupted, too.
	if err := d.audit.Write(answer.MoveRecordOf(move, d.engine.Clock().Wall())); err != nil {
		d.log.Error("the audit line could not be written", "error", err)
	}
	return move, nil
}

func (d *daemon) shut() {
	for _, c := range d.close {
		c.Close()
	}
}

func (e *env) fetchCommand() *cli.Command {
	return &cli.Command{
		Name: "fetch", Usage: "read the network for `dpkid run`, which starts it", Hidden: true,
		Action: e.arguments(0, 0, func(c *cli.Context) error {
			frugal(fetchMemory)
			conn, err := spawn.Inherit()
			if err != nil {
				return err
			}
			return pipe.Serve(c.Context, conn, &fetch.Backend{})
		}),
	}
}
