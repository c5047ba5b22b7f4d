package clock

import (
	"testing"
	"time"
)

const (
	t0   = uint64(1_800_000_000)
	year = 365 * 24 * 3600
)

// at is a reading s seconds after boot, with the wall clock off by skew.
func at(s int, skew int64) Reading {
	return Reading{Wall: uint64(int64(t0) + int64(s) + skew), Boot: time.Duration(s) * time.Second}
}

func seen(s int, block uint64) Verified { return Verified{}.Accept(block, at(s, 0)) }

func TestNow(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Verified
		r    Reading
		want uint64
	}{
		{"nothing known", Verified{}, at(5, 0), 0},
		{"runs on by the boot clock", seen(0, t0), at(60, -year), t0 + 60},
		{"wall clock ten years ahead", seen(0, t0), at(60, 10*year), t0 + 60},
		{"wall clock ten years behind", seen(0, t0), at(60, -10*year), t0 + 60},
		{"wall clock a little ahead", seen(0, t0-4), at(60, 0), t0 + 60},
		{"wall clock a little behind does not stretch", seen(0, t0), at(60, -200), t0 + 60},
		{"wall clock at the tolerance", seen(0, t0), at(0, 300), t0 + 300},
		{"wall clock beyond it", seen(0, t0), at(0, 301), t0},
		{"an older tip takes nothing back", seen(0, t0).Accept(t0-50, at(10, -year)), at(10, -year), t0 + 10},
		{"blocks handed out late do not slow time", seen(0, t0).Accept(t0+1, at(100, -year)).Accept(t0+2, at(200, -year)), at(300, -year), t0 + 300},
		{"a newer block moves time forward", seen(0, t0).Accept(t0+100, at(10, -year)), at(20, -year), t0 + 110},
		{"fast oscillator: gives back a thousandth", seen(0, t0).Accept(t0+9990, at(10000, -year)), at(10000, -year), t0 + 9990},
	} {
		if got := c.v.Now(c.r); got != c.want {
			t.Errorf("%s: got t0%+d, want t0%+d", c.name, int64(got)-int64(t0), int64(c.want)-int64(t0))
		}
	}
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Verified
		r    Reading
		want time.Duration
	}{
		{"since the block", seen(0, t0), at(42, 10*year), 42 * time.Second},
		{"the same block again is no news", seen(0, t0).Accept(t0, at(30, 0)), at(42, 0), 42 * time.Second},
		{"a newer block is", seen(0, t0).Accept(t0+30, at(30, 0)), at(42, 0), 12 * time.Second},
		{"a chain that falls behind ages", seen(0, t0).Accept(t0+1, at(1000, 0)), at(1000, 0), 998*time.Second - WallTolerance},
	} {
		if got := c.v.Age(c.r); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// What the clocks explain: verified time carried on, by a reboot's uptime too, or
// the wall clock where that is ahead.
func TestExplains(t *testing.T) {
	later := Verified{Block: t0, floor: t0 + 100} // of an earlier boot
	for _, c := range []struct {
		name  string
		v     Verified
		r     Reading
		block uint64
		want  bool
	}{
		{"the next block", seen(0, t0), at(60, -year), t0 + 62, true},
		{"an older one", seen(0, t0), at(60, -year), t0 - 1000, true},
		{"at the tolerance", seen(0, t0), at(60, -year), t0 + 60 + 3600, true},
		{"beyond it", seen(0, t0), at(60, -year), t0 + 61 + 3600, false},
		{"what the wall clock explains", seen(0, t0), at(60, 30*24*3600), t0 + 30*24*3600, true},
		{"the end of time", seen(0, t0), at(60, year), 1<<64 - 1, false},
		{"after a reboot, by its uptime", later, at(1000, -year), t0 + 1100 + 3600, true},
		{"after a reboot, beyond it", later, at(1000, -year), t0 + 1101 + 3600, false},
		{"uptime counts once", seen(100_000, t0+100_000), at(100_000, -year), t0 + 100_001 + 3600, false},
	} {
		if got := c.v.Explains(c.block, c.r, time.Hour); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// A machine that stood still and was told the time has jumped; one whose clock
// was set back, or stepped by a few seconds, has not.
func TestJumped(t *testing.T) {
	v := seen(0, t0)
	for _, c := range []struct {
		name string
		v    Verified
		r    Reading
		want bool
	}{
		{"both clocks run", v, at(1000, 0), false},
		{"NTP steps", v, at(1000, 30), false},
		{"paused for an hour", v, at(10, 3600), true},
		{"set back", v, at(1000, -10*year), false},
		{"set ahead", v, at(1000, 10*year), true},
		{"a tip accepted since", v.Accept(t0+1000, at(1000, 10*year)), at(1001, 10*year), false},
		{"before the first tip", Verified{Block: t0}, at(1000, 10*year), false},
	} {
		if got := c.v.Jumped(c.r); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestRestore(t *testing.T) {
	clock := func(id string, s int) Clock {
		return Clock{BootID: id, Boot: func() time.Duration { return time.Duration(s) * time.Second }, Wall: func() time.Time { return time.Time{} }}
	}
	v := seen(0, t0)
	stamp := v.Stamp(clock("a", 100), at(100, 10*year))

	same, err := Restore(stamp, clock("a", 130))
	if err != nil || same != v {
		t.Errorf("same boot: got %+v, %v; want %+v", same, err, v)
	}
	// Another boot, the clock reset to 1970: time does not go back, and age
	// counts what it was and the new boot's time.
	next, err := Restore(stamp, clock("b", 10))
	r := Reading{Wall: 0, Boot: 10 * time.Second}
	if err != nil || next.Live || next.Now(r) != t0+100 || next.Age(r) != 110*time.Second {
		t.Errorf("next boot: now t0%+d, age %v, live %v, %v", int64(next.Now(r))-int64(t0), next.Age(r), next.Live, err)
	}
	// A right wall clock adds the time without power.
	r.Wall = t0 + 5000
	if next.Now(r) != t0+5000 || next.Age(r) != 5000*time.Second {
		t.Errorf("next boot with a wall clock: now t0%+d, age %v", int64(next.Now(r))-int64(t0), next.Age(r))
	}
	// Rebooting again and again does not make State younger.
	again, err := Restore(next.Stamp(clock("b", 3600), at(3600, 0)), clock("c", 0))
	if err != nil || again.Age(Reading{}) != 3700*time.Second {
		t.Errorf("third boot: age %v, %v", again.Age(Reading{}), err)
	}
	// What an old block cannot do after a reboot either: turn back time.
	live := next.Accept(t0+1, Reading{Boot: 20 * time.Second})
	if got := live.Now(Reading{Boot: 20 * time.Second}); got != t0+100 {
		t.Errorf("old block after a reboot: now t0%+d", int64(got)-int64(t0))
	}
	// Nor does the tip that was known before make State fresh.
	r = Reading{Boot: 20 * time.Second}
	if got := next.Accept(t0, r).Age(r); got != 120*time.Second {
		t.Errorf("yesterday's tip after a reboot: age %v", got)
	}
	if got := next.Accept(t0+90, r).Age(r); got != 0 {
		t.Errorf("a newer tip after a reboot: age %v", got)
	}
	if v, err := Restore(nil, clock("a", 0)); err != nil || v != (Verified{}) {
		t.Errorf("no stamp: %+v, %v", v, err)
	}
	for _, bad := range []string{"{", `{"version":2}`, `{"version":1,"boot_id":"a","x":1}`, `{"version":1}`} {
		if _, err := Restore([]byte(bad), clock("a", 0)); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

func TestSystem(t *testing.T) {
	c, err := System()
	if err != nil || c.BootID == "" {
		t.Fatal(c.BootID, err)
	}
	a, b := c.Read(), c.Read()
	if a.Boot <= 0 || b.Boot < a.Boot || a.Wall < t0-5*year {
		t.Errorf("%+v then %+v", a, b)
	}
}
