package admin

import (
	"context"
	"errors"
	"fmt"

	"dpki/registry/post"
)

// ErrOvertaken: a transaction that this account had sent before came into a block
// after the command had read the log. Nothing was written; the same command, begun
// anew, knows of it.
var ErrOvertaken = errors.New("the log has what an earlier command wrote, and this one did not know it")

// settle makes sure, before a command's first write, that it decides in the
// knowledge of all that this account has sent: a command that was killed may have
// sent its transaction, and given again would write it a second time.
func (d *Desk) settle(ctx context.Context) error {
	if d.settled || d.DryRun {
		return nil
	}
	waiting := func(nonce uint64) {
		if d.Waiting != nil {
			d.Waiting(nonce)
		}
	}
	overtaken, block, err := d.Poster.Settle(ctx, d.since, waiting)
	var stays *post.UnsettledError
	switch {
	case errors.As(err, &stays):
		return because(err, Later, fmt.Sprintf("give it again once that one is mined (dpki network check); if its fee is too low for good, replace it: any transaction of account %s with nonce %d and a higher fee", d.Account, stays.Nonce),
			"nothing was written: an earlier command's transaction still waits")
	case err != nil:
		return postProblem(err)
	}
	d.settled = true
	if !overtaken {
		return nil
	}
	if err := d.reach(ctx, block); err != nil {
		return err
	}
	return because(ErrOvertaken, Later, "look with dpki log, then give it again", "nothing was written")
}
