// Package fetch is the work of `dpkid fetch`: the one process of a device that
// opens network connections. It holds no key, no state and no opinion: what run
// asks over the pipe it asks the network, and what the network says it hands on,
// cut to size.
package fetch
