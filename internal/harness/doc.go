// Package harness gives tests real parts: processes, a real sshd (harness/sshd), a real kubo (harness/kubo), and a machine
// of their own to run them on.
//
// A test names the parts that it cannot do without (Need). A part that is missing skips the test with a reason on a
// laptop and fails it when CI=true, so that a suite can never pass by running nothing.
//
// A package whose tests must be root calls Main from its TestMain. Main runs the test binary again in mount, process and
// network namespaces of its own: /usr, /etc, /var, /home and /root are copy-on-write, /run and /dev are fresh, the only
// network is a loopback, and root, alice, bob and the accounts that the packages create exist there and nowhere else. The
// unpacked Debian packages of build/root and the binaries of cmd/ appear in that /usr as if they were installed. When the
// tests end the kernel ends every process that they left, and the machine has not changed.
//
// Nothing here is imported by the product.
package harness
