package admin

import (
	"context"
	"errors"
	"os"

	"dpki/admin/fault"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/registry/verify"
)

// Proved is what ProveLog wrote.
type Proved struct {
	File      string `json:"file"`
	Logs      int    `json:"logs"`
	Entries   int    `json:"entries"`
	Block     uint64 `json:"block"` // that the proofs are at
	BlockHash string `json:"block_hash"`
	Time      Time   `json:"time"`
	Final     bool   `json:"final"` // the block, as far as endpoints say
	Witnesses int    `json:"witnesses"`
	Bytes     int    `json:"bytes"`
}

// ProveLog writes the logs of one device's mailbox, of one zone with its devices,
// or of everything into a file that anybody checks (registry/audit). The
// organisation's own log is always among them: it says who might write.
func (d *Desk) ProveLog(ctx context.Context, of, path string) (*Proved, error) {
	scopes, err := d.exported(ctx, of)
	if err != nil {
		return nil, err
	}
	f, err := d.Ledger.Prove(ctx, scopes...)
	switch {
	case errors.Is(err, ledger.ErrMoving):
		return nil, because(err, Later, "try again, or export one zone or device at a time", "the logs could not be proved in one piece")
	case errors.Is(err, verify.ErrWitness):
		return nil, because(err, Later, "see dpki witness verify", "no checkpoint of the witnesses has the block yet")
	case err != nil:
		return nil, fault.Chain(err, d.Network)
	}
	checked, err := f.Check(d.Ledger.CodeHash()) // nobody is handed what does not hold
	if err != nil {
		return nil, because(err, Failed, "try again", "the proof does not hold")
	}
	b, err := f.Marshal()
	if err != nil {
		return nil, because(err, Failed, "export one zone or device at a time", "the logs do not fit one file")
	}
	at := checked.Newest()
	out := &Proved{File: path, Block: at.Number, BlockHash: "0x" + at.Hash.String(), Time: Time(at.Time),
		Final: at.Number <= d.Ledger.Head().Finalized, Witnesses: len(f.Checkpoints), Bytes: len(b)}
	for _, p := range f.Proofs {
		for i := range p.Logs {
			out.Logs++
			out.Entries += len(p.Logs[i].Entries())
		}
	}
	if d.DryRun {
		return out, nil
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, problem(Usage, "name a FILE; for devices there is dpki log --segments DIR", "%.80q is no file", path)
	}
	if err := home.CheckOwn(path, string(b[:len("DPKIAUDT")])); err != nil {
		return nil, because(err, Usage, "name another FILE", "%.80q is not written over", path)
	}
	if err := home.Publish(path, b); err != nil {
		return nil, because(err, Failed, "name a FILE in a folder that you may write to", "the proof could not be written")
	}
	return out, nil
}
