#!/bin/sh
# Usage: tools/sysroot.sh DIR
# Unpacks OpenSSH and sudo, and the libraries they need that this machine lacks, into DIR. Nothing is installed, no maintainer
# script runs, nothing listens: the tests show DIR to themselves as part of /usr in a mount namespace. Needs no root; apt's
# locks, lists and archives are kept below DIR.apt when the system's own cannot be used.
set -eu
out=$1
packages="openssh-server openssh-sftp-server openssh-client sudo"
state=$(realpath -m "$out").apt

rm -rf "$out.new"
mkdir -p "$out.new" "$state/archives/partial" "$state/lists/partial"
apt="apt-get -q -o Debug::NoLocking=1 -o APT::Sandbox::User=$(id -un) -o Dir::Cache::archives=$state/archives"
apt="$apt -o Dir::Cache::pkgcache=$state/pkgcache.bin -o Dir::Cache::srcpkgcache=$state/srcpkgcache.bin"

fetch() { $apt "$@" install -y --download-only --no-install-recommends --reinstall $packages; }
# The system's package lists may be absent or too old to name what the mirror still has: then read fresh ones, beside them.
fetch || {
	$apt -o Dir::State::lists="$state/lists" update
	fetch -o Dir::State::lists="$state/lists"
}
for deb in "$state"/archives/*.deb; do
	case $deb in
	*/libc6*.deb) ;; # the machine's own is loaded already
	*/openssh-*.deb | */sudo_*.deb | */lib*.deb) dpkg-deb -x "$deb" "$out.new" ;;
	esac
done
rm -rf "$state"
# Debian 12's packages may still say /lib; on a merged-/usr machine that is /usr/lib.
if [ -d "$out.new/lib" ]; then
	cp -a "$out.new/lib/." "$out.new/usr/lib/"
	rm -rf "$out.new/lib"
fi
rm -rf "$out"
mv "$out.new" "$out"
