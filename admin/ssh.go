package admin

import (
	"context"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// Host is how to reach a device and how to know it.
type Host struct {
	Name    string // ZONE/NAME
	Address string // HOST:PORT
	HostKey string // "<type> <base64>"
	Alias   string // d-<device id>.dpki
	// Certified says that the zone has a host CA: KnownHosts knows more than HostKey.
	Certified bool
}

// Host finds a device for ssh. address, unless empty, stands in for the one that
// the roster has.
func (d *Desk) Host(ctx context.Context, device, address string) (*Host, error) {
	m, err := d.device(ctx, device)
	if err != nil {
		return nil, err
	}
	name := d.zoneName(m.Zone) + "/" + m.Name
	if address == "" {
		address = m.Address
	}
	if address == "" {
		return nil, problem(Usage, "give it with --address HOST:PORT, or keep it: dpki device address "+m.Name+" HOST:PORT", "the address of %s is not known", name)
	}
	h := &Host{Name: name, Address: address, HostKey: m.HostKey, Alias: profile.HostPrincipal(m.Device)}
	view, now := d.view(m.Zone, m.Device), uint64(d.Now().Unix())
	if h.Certified = d.hasHostCA(view, now); h.Certified {
		d.saw(m.Device)
		return h, nil
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.HostKey)); err == nil && view.Denied(profile.Hash(key), 0, now) {
		return nil, problem(No, "give it a new host key and enrol it again, or revoke the denial: dpki revoke "+ssh.FingerprintSHA256(key),
			"the host key of %s is denied", name)
	}
	return h, nil
}

// WhyNot explains a refusal that ssh met: nil if the device's decision, on the
// log as it stands now, is to let the key in.
func (d *Desk) WhyNot(ctx context.Context, device, account string, key ssh.PublicKey) (*Explanation, error) {
	if err := d.reload(ctx); err != nil {
		return nil, err
	}
	m, err := d.findDevice(device)
	if err != nil {
		return nil, err
	}
	if err := d.read(ctx, m.Device); err != nil {
		return nil, err
	}
	return d.Explain(ctx, device, account, key)
}
