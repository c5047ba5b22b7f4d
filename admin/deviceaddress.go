package admin

import (
	"context"

	"dpki/bundle"
)

// DeviceAddressed is the outcome of SetAddress.
type DeviceAddressed struct {
	Device
	Before string  `json:"before,omitempty"`
	Posted *Posted `json:"transaction,omitempty"` // absent where it had that address
}

// SetAddress changes where a device's sshd listens, in what the zone's administrators
// know of it: they alone go by it. The device is told nothing, and it needs no
// request of it; which host key is the device's stays as it is.
func (d *Desk) SetAddress(ctx context.Context, name, address string) (*DeviceAddressed, error) {
	if !bundle.ValidAddress(address) {
		return nil, noAddress(address)
	}
	m, err := d.device(ctx, name)
	if err != nil {
		return nil, err
	}
	out := &DeviceAddressed{Before: m.Address}
	if m.Address == address {
		out.Device = d.showDevice(m)
		return out, nil
	}
	m.Address = address
	out.Device = d.showDevice(m)
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	group, err := d.rosterChange(ctx, m.Zone, &bundle.Roster{Version: 1, Devices: []bundle.RosterMember{m}}, from)
	if err != nil {
		return nil, err
	}
	if out.Posted, err = d.write(ctx, group); err != nil || d.DryRun {
		return out, err
	}
	return out, d.reload(ctx)
}

func noAddress(text string) error {
	return problem(Usage, "write HOST:PORT, as gate-7.example:22", "%.80q is not an address", text)
}
