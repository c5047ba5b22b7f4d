package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	nodes "dpki/internal/harness/kubo"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"

	"github.com/ethereum/go-ethereum/rpc"
	"golang.org/x/crypto/ssh"
)

// site is the whole of it, every part a process of its own: the administrator's
// commands, a chain, two IPFS nodes of one swarm, a mirror that keeps receipts, and
// a device with its daemon and its sshd.
type site struct {
	*desk.Desk
	admin, near *nodes.Node // the administrator's and the device's
	sshd        *sshd.Server
	daemon      *harness.Proc
	asked       string // what `dpkid enroll` printed
	request     string
}

// newSite makes the organisation and asks for the enrolment of gate-7. more are
// further stores of the administrator's.
func newSite(t *testing.T, more ...network.Store) *site {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.Kubo)
	swarm := nodes.StartSwarm(t, 2)
	s := &site{admin: swarm[0], near: swarm[1]}
	s.Desk = desk.New(t, func(n *network.File) {
		n.Stores = append([]network.Store{{Type: network.Kubo, URL: swarm[0].API}, {Type: network.Gateway, URL: swarm[1].Gateway}}, more...)
		desk.Mirror(t, n)
	})
	for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki", sshdFolder} {
		s.Must(os.RemoveAll(p))
	}
	s.Must(os.MkdirAll(sshdFolder+"/sshd_config.d", 0o755))
	s.Must(os.MkdirAll("/etc/dpki", 0o755))
	s.Must(os.WriteFile("/etc/dpki/deliveries.toml", []byte(sets), 0o644))
	s.sshd = sshd.Start(t, sshd.Config{Command: machine.Helper, Lines: []string{
		"PidFile " + sshdFolder + "/sshd.pid", "Include " + sshdFolder + "/sshd_config.d/*.conf",
	}})
	s.Must(os.Symlink(s.sshd.ConfigFile, sshdFolder+"/sshd_config"))
	host := filepath.Join(s.Dir, "host.pub")
	s.Must(os.WriteFile(host, ssh.MarshalAuthorizedKey(s.sshd.Host), 0o600))
	s.request = "gate-7.request"
	s.asked = s.dpkid(0, "enroll", s.Anchor.String(), "--name", "gate-7", "--host-key", host, "--network", s.Network, "--out", s.request).Stdout
	return s
}

// chain asks or tells the sandbox.
func (s *site) chain(answer any, method string, args ...any) {
	s.Helper()
	c, err := rpc.Dial(s.endpoint())
	s.Must(err)
	defer c.Close()
	s.Must(c.Call(answer, method, args...))
}

func (s *site) dpkid(want int, args ...string) desk.Result {
	s.Helper()
	return s.Run(want, s.Dir, harness.Bin(s.T, "dpkid"), args...)
}

// run starts the daemon.
func (s *site) run() {
	s.Helper()
	s.daemon = harness.Start(s.T, harness.Command{
		Path: harness.Bin(s.T, "dpkid"), Args: []string{"run"},
		Ready: func(context.Context, *harness.Proc) error { _, err := s.status(); return err },
	})
}

func (s *site) status() (st device.Status, err error) {
	out := s.dpkid(-1, "status", "--json").Stdout
	if out == "" {
		return st, fmt.Errorf("no status")
	}
	return st, json.Unmarshal([]byte(out), &st)
}

// becomes waits until the device has a result for a delivery, and returns it.
func (s *site) becomes(id string) device.Delivered {
	s.Helper()
	var got device.Delivered
	harness.Eventually(s, settled, func() error {
		st, err := s.status()
		if err != nil {
			return err
		}
		for _, d := range st.Delivered {
			if d.Subject.String() == id {
				got = d
				return nil
			}
		}
		return fmt.Errorf("delivery %.12s: %+v, awaited %d: %s", id, st.Delivered, st.Awaited, st.Unapplied)
	})
	return got
}

// sent is what a deliver command printed with --json.
type sentOut struct {
	Deliveries []struct{ To, Purpose, Name, ID, CID, Supersedes, Standing string }
	Posted     []struct {
		Block uint64
	} `json:"transactions"`
}

// deliver runs a deliver command to gate-7.
func (s *site) deliver(args ...string) (got sentOut) {
	s.Helper()
	s.Decode(s.Dpki(0, append([]string{"deliver", "--json"}, args...)...), &got)
	if len(got.Deliveries) != 1 || len(got.Posted) != 1 {
		s.Fatalf("%v delivered %+v", args, got)
	}
	return got
}

// enrolled waits until the device knows that it is.
func (s *site) enrolled() {
	s.Helper()
	harness.Eventually(s, settled, func() error {
		if st, err := s.status(); err != nil || !st.Enrolled {
			return fmt.Errorf("not enrolled: %v", err)
		}
		return nil
	})
}

// acknowledged waits until a receipt says that the device has applied everything.
func (s *site) acknowledged() {
	s.Helper()
	harness.Eventually(s, 3*settled, func() error {
		if got := s.Dpki(-1, "device", "list", "--ready"); got.Code != 0 {
			return fmt.Errorf("%s%s", got.Stdout, got.Stderr)
		}
		return nil
	})
}
