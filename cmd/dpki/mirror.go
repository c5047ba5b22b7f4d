package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/bundle/store"
	"dpki/bundle/store/kubo"
	"dpki/internal/network"
	"dpki/registry/mirror"
	"dpki/registry/source"
	"dpki/registry/witness"
)

// Limits of one connection to a mirror.
const (
	mirrorHeaderTime = 5 * time.Second
	mirrorReadTime   = 15 * time.Second
	mirrorWriteTime  = 60 * time.Second
	mirrorIdleTime   = 2 * time.Minute
	mirrorStopTime   = 5 * time.Second
)

func (t *tool) mirrorCommand() *cli.Command {
	return verb("mirror", "", "serve a site's devices what endpoints and stores have, from a cache that nobody needs to trust", 0, 0, t.mirror,
		&cli.StringFlag{Name: "listen", Usage: "`ADDRESS` to serve at, host:port; port 0 takes a free one", Value: "127.0.0.1:8480"},
		&cli.StringFlag{Name: "dir", Usage: "keep blocks and receipts in `DIR`, and serve its segments/ and witness/ (default: keep nothing on disk)"},
		&cli.StringSliceFlag{Name: "from", Usage: "ask another mirror at `URL` too, after the endpoints"},
		&cli.Int64Flag{Name: "memory", Usage: "keep `MB` of answers in memory", Value: 64},
		&cli.Int64Flag{Name: "disk", Usage: "keep `MB` of blocks in --dir", Value: 1024},
		&cli.Float64Flag{Name: "rate", Usage: "answer each address `N` questions a second", Value: 50},
		&cli.BoolFlag{Name: "verbose", Usage: "log more"},
	)
}

func (t *tool) mirror(c *cli.Context) error {
	n, err := t.mirroredNetwork()
	if err != nil {
		return err
	}
	if c.Int64("memory") < 1 || c.Int64("disk") < 0 || c.Float64("rate") <= 0 {
		return usage("--memory, --disk and --rate are positive numbers", "leave them out for the defaults")
	}
	level := slog.LevelInfo
	if c.Bool("verbose") {
		level = slog.LevelDebug
	}
	config, err := upstreams(n, c.StringSlice("from"))
	if err != nil {
		return err
	}
	config.Memory, config.Disk, config.Rate = c.Int64("memory")<<20, c.Int64("disk")<<20, c.Float64("rate")
	config.Log = slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: level}))
	if dir := c.String("dir"); dir != "" {
		if config.Dir, err = filepath.Abs(dir); err != nil {
			return usage(err.Error(), "give --dir a folder")
		}
	}
	server, err := mirror.New(config)
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the mirror's folder cannot be used", Hint: "give --dir a folder that this account may write to", Err: err}
	}
	l, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the mirror cannot listen", Hint: "another program may use the port: give --listen another one", Err: err}
	}
	t.sayf("dpki mirror serves network %s at http://%s", n.Name, l.Addr())
	return serveUntil(c.Context, l, server)
}

// mirroredNetwork is a network file by its path, which needs no configuration
// folder, or what is configured.
func (t *tool) mirroredNetwork() (network.File, error) {
	if !strings.ContainsRune(t.network, filepath.Separator) && !strings.HasSuffix(t.network, ".toml") {
		return t.currentNetwork()
	}
	n, err := network.Load(t.network)
	if err != nil {
		return n, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("network %q cannot be used", t.network), Hint: "correct the file; NETWORK FILE in dpki(1) has the form", Err: err}
	}
	return n, nil
}

// upstreams are whom a mirror asks. The mirrors that the network file names are
// not among them: it may be one of those itself.
func upstreams(n network.File, from []string) (mirror.Config, error) {
	config := mirror.Config{Registry: n.Registry()}
	for _, url := range n.Endpoints {
		e, err := source.Dial(url)
		if err != nil {
			return config, &admin.Problem{Class: admin.Usage, Text: "the network file names an endpoint that cannot be used", Hint: "dpki network show", Err: err}
		}
		config.Chain = append(config.Chain, e)
	}
	stores, err := store.Open(n.Stores, store.Own{Node: kubo.Open})
	if err != nil {
		return config, &admin.Problem{Class: admin.Usage, Text: "the network file names a store that cannot be used", Hint: "dpki network show", Err: err}
	}
	blocks := stores.Stores()
	for _, url := range from {
		m, err := source.DialMirror(url)
		if err != nil {
			return config, usage(fmt.Sprintf("--from %q is no mirror's URL", url), "give http://HOST:PORT or https://HOST")
		}
		b, err := store.NewMirror(url)
		if err != nil {
			return config, usage(err.Error(), "give http://HOST:PORT or https://HOST")
		}
		config.Chain, config.Mirrors, blocks = append(config.Chain, m), append(config.Mirrors, m), append(blocks, b)
	}
	if config.Witnesses, err = checkpointPlaces(n); err != nil {
		return config, err
	}
	if len(config.Chain) == 0 {
		return config, usage("there is no endpoint to mirror", "name an [[endpoint]] in the network file, or another mirror by --from URL")
	}
	config.Blocks = store.NewMulti(blocks...)
	return config, nil
}

// checkpointPlaces are where each of the network's witnesses leaves its
// checkpoints.
func checkpointPlaces(n network.File) (map[witness.Key][]source.Checkpoints, error) {
	places := map[witness.Key][]source.Checkpoints{}
	for _, w := range n.Witnesses {
		for _, place := range []string{w.URL, w.Path} {
			if place == "" {
				continue
			}
			p, err := source.OpenCheckpoints(place)
			if err != nil {
				return nil, &admin.Problem{Class: admin.Usage, Text: "the network file names a place of checkpoints that cannot be used", Hint: "dpki network show", Err: err}
			}
			places[w.Key] = append(places[w.Key], p)
		}
	}
	return places, nil
}

// serveUntil serves until the context ends, and lets answers under way be sent.
func serveUntil(ctx context.Context, l net.Listener, handler http.Handler) error {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: mirrorHeaderTime, ReadTimeout: mirrorReadTime, WriteTimeout: mirrorWriteTime,
		IdleTimeout: mirrorIdleTime, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return &admin.Problem{Class: admin.Failed, Text: "the mirror has stopped serving", Hint: "start it again", Err: err}
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), mirrorStopTime)
	defer cancel()
	if err := s.Shutdown(stop); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.Close()
}
