package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"log/syslog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"dpki/authkeys/breakglass"
	"dpki/bundle"
	"dpki/device"
	"dpki/device/clock"
	"dpki/device/config"
	"dpki/device/fetch"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/device/spawn"
	"dpki/device/sshd"
	"dpki/internal/socket/serve"
	"dpki/state"

	"github.com/urfave/cli/v2"
)

// Soft limits on the heap. Both processes together stay below 40 MB.
const (
	runMemory   = 48 << 20
	fetchMemory = 32 << 20
	gcPercent   = 40
)

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
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(runMemory)
	signal.Ignore(syscall.SIGHUP)
	level := slog.LevelInfo
	if c.Bool("verbose") {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level}))
	d, err := e.assemble(c.Context, log)
	if err != nil {
		return err
	}
	return d.run(c.Context)
}

// daemon is a daemon about to run.
type daemon struct {
	engine    *device.Engine
	fetch     *device.Supervisor
	sockets   *device.Sockets
	listeners device.Listeners
	close     []io.Closer
}

func (e *env) assemble(ctx context.Context, log *slog.Logger) (_ *daemon, err error) {
	d := &daemon{}
	defer func() {
		if err != nil {
			d.shut()
		}
	}()
	conf, err := config.Load(e.paths.Config())
	if err != nil {
		return nil, notEnrolled(err)
	}
	net, err := config.LoadNetwork(e.paths.Network())
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
	d.engine, err = device.New(device.Config{
		Anchor: conf.Anchor, Identity: id, Journal: j, Network: net, Fetcher: d.fetch, Clock: system,
		Profile: device.Profiles[conf.Profile], Log: log, ZoneHint: conf.Zone,
		Denied: func(keys iter.Seq[state.Word]) error { return breakglass.WriteDenied(e.paths.Denied(), keys) },
	})
	if err != nil {
		return nil, err
	}
	audit, err := d.openAudit(conf.AuditFile, log)
	if err != nil {
		return nil, err
	}
	d.sockets = &device.Sockets{
		Door: device.NewDoor(d.engine, breakglass.System()), Monitors: &device.Monitors{}, Audit: audit, Log: log,
		Helper: helperUID, ExpiryTime: expiryTime(ctx, conf.Sshd, log), Version: version,
	}
	if d.listeners.Authkeys, err = serve.Listen(serve.Options{Path: e.paths.Authkeys(), Mode: 0o660, UID: 0, GID: int(helperGID)}); err != nil {
		return nil, err
	}
	d.close = append(d.close, d.listeners.Authkeys)
	d.listeners.Control, err = serve.Listen(serve.Options{Path: e.paths.Control(), Mode: 0o600, UID: 0, GID: 0})
	return d, err
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

// openAudit finds the places for audit lines. A syslog that is not there yet is
// tried again with each line.
func (d *daemon) openAudit(path string, log *slog.Logger) (device.Audit, error) {
	var a device.Audit
	if path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return a, err
		}
		d.close = append(d.close, f)
		a.JSON = f
	}
	var mu sync.Mutex
	var w *syslog.Writer
	a.Syslog = func(line string, alarm bool) (err error) {
		mu.Lock()
		defer mu.Unlock()
		if w == nil {
			if w, err = syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_INFO, "dpkid"); err != nil {
				w = nil
				log.Info("audit", "line", line)
				return nil
			}
		}
		if alarm {
			return w.Alert(line)
		}
		return w.Info(line)
	}
	return a, nil
}

func (d *daemon) run(ctx context.Context) error {
	defer d.shut()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 2)
	supervised := make(chan struct{})
	go func() { d.fetch.Run(ctx); close(supervised) }()
	go func() { d.engine.Run(ctx); ended <- nil }()
	go func() { ended <- d.sockets.Serve(ctx, d.listeners) }()
	err := <-ended
	if err == nil && ctx.Err() == nil {
		err = errors.New("a part of the daemon ended")
	}
	cancel()
	err = errors.Join(err, <-ended)
	<-supervised
	return err
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
			debug.SetGCPercent(gcPercent)
			debug.SetMemoryLimit(fetchMemory)
			conn, err := spawn.Inherit()
			if err != nil {
				return err
			}
			return pipe.Serve(c.Context, conn, &fetch.Backend{})
		}),
	}
}
