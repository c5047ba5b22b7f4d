#!/bin/sh
# Usage: tools/debroot.sh SUITE DIR [PACKAGES]
# Unpacks a small Debian of that suite with its own OpenSSH into DIR, so that `make test-long` can try the oldest and the newest
# sshd that the product supports. Needs root, debootstrap and a Debian mirror.
set -eu
suite=$1 dir=$2 more=${3:+,$3}
script=/usr/share/debootstrap/scripts/$suite
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid # a suite newer than this debootstrap
# The mirror is the machine's own.
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | grep -m 1 '/debian/*$')}
rm -rf "$dir.new"
mkdir -p "$(dirname "$dir")"
debootstrap --variant=minbase "--include=openssh-server,openssh-client$more" "$suite" "$dir.new" "$mirror" "$script" >"$dir.log" 2>&1 || {
	tail "$dir.log" >&2
	exit 1
}
rm -rf "$dir"
mv "$dir.new" "$dir"
