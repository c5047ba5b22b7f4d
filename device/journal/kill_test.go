package journal

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

type tx = bbolt.Tx

// writerArg makes the test binary the process that is killed.
const writerArg = "dpki-journal-writer"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == writerArg {
		write(os.Args[2])
	}
	os.Exit(m.Run())
}

// write applies one tick after the other and says so after each, until it is
// killed.
func write(path string) {
	j, err := Open(path, org)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	known, err := j.Load()
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	h := newHistory()
	for h.log.Confirmed.Seq < known.Scopes[zone].Confirmed.Seq {
		h.tick()
	}
	for {
		res := h.tick()
		if err := j.Apply(res, fmt.Append(nil, res.Head.Number)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(h.log.Confirmed.Seq)
	}
}

// Killed at any instant, the journal holds what was acknowledged, or one tick
// more, and head, clock, prefix and overlay are of the same tick.
func TestKill(t *testing.T) {
	path := create(t)
	random := rand.New(rand.NewPCG(3, 4))
	total := uint64(0)
	// More rounds, and longer ones, where a machine under load hardly lets the writer begin.
	for round, begun := 0, time.Now(); round < 25 || total < 25 && time.Since(begun) < time.Minute; round++ {
		cmd := exec.Command("/proc/self/exe", writerArg, path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(2+random.IntN(40)+10*max(0, round-25))*time.Millisecond, func() { cmd.Process.Kill() })
		acknowledged := total
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				t.Fatalf("writer: %s", lines.Text())
			}
		}
		cmd.Wait()

		known, err := read(path)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		log := known.Scopes[zone]
		if got := log.Confirmed.Seq; got != acknowledged && got != acknowledged+1 {
			t.Fatalf("round %d: %d entries, acknowledged %d", round, got, acknowledged)
		}
		total = log.Confirmed.Seq
		if total == 0 {
			continue
		}
		j := reopen(t, path)
		clock, err := j.Record(RecordClock)
		j.Close()
		if err != nil || string(clock) != fmt.Sprint(known.Head.Number) || known.Head.Number != log.Confirmed.Block+1 ||
			len(log.Overlay) != 1 || log.Overlay[0].Seq != total+1 {
			t.Fatalf("round %d: a mixture: head %d, clock %s, confirmed to block %d, overlay %+v", round, known.Head.Number, clock, log.Confirmed.Block, log.Overlay)
		}
	}
	if total < 25 {
		t.Errorf("only %d ticks were written in all rounds", total)
	}
}
