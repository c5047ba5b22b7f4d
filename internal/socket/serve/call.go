package serve

import (
	"context"
	"net"
	"time"

	"dpki/internal/socket"
)

// Call asks the daemon at path. It gives up at ctx's end, or after DefaultTimeout where ctx has none. On error the answer is the
// zero value: a denial. That no daemon listens is errors.Is(err, syscall.ENOENT) or syscall.ECONNREFUSED.
func Call(ctx context.Context, path string, req socket.Request) (socket.Answer, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(DefaultTimeout)
	}
	b, err := req.Marshal()
	if err != nil {
		return socket.Answer{}, err
	}
	d := net.Dialer{Deadline: deadline}
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return socket.Answer{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(deadline); err != nil {
		return socket.Answer{}, err
	}
	if _, err := conn.Write(b); err != nil {
		return socket.Answer{}, err
	}
	return socket.ReadAnswer(conn)
}
