#!/bin/sh
# Says which Debian packages the suites lack, and installs them only when asked to: YES=1, or CI=true.
# What the product needs is Go alone; what `make demo` needs is unpacked below build/ (sysroot.sh), never installed.
set -eu

missing=
need() { # COMMAND PACKAGES...: the packages are wanted when the command is not there
	command -v "$1" >/dev/null || { shift; missing="$missing $*"; }
}
need ssh openssh-client
need strace strace
need pgrep procps
need rpm rpm
need systemd-analyze systemd
need rsync rsync
need git git
need softhsm2-util softhsm2
need debootstrap debootstrap # for test-long: other OpenSSH versions
need npm nodejs npm
need gcc gcc libc6-dev
[ -e /usr/include/security/pam_modules.h ] || missing="$missing libpam0g-dev"

if [ -z "$missing" ]; then
	exit 0
fi
install="apt-get install --no-install-recommends$missing"
if [ "${YES:-}" != 1 ] && [ "${CI:-}" != true ]; then
	echo "Missing for 'make test':$missing"
	echo "Nothing was installed. Run 'make deps YES=1', or as root: $install"
	exit 1
fi

# None of these packages brings a daemon; what they depend on must not start one either.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# A new machine's package lists are empty or old.
$install -qqy >/dev/null 2>&1 || {
	apt-get update -qq
	$install -qqy >/dev/null
}
