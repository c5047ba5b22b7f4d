#!/bin/bash
# Usage: go test -exec "tools/systemd-exec.sh ROOT" PACKAGE -args -systemd
# Runs a test binary as a service of a system of its own: the folder ROOT (tools/debroot.sh) with systemd as process 1, in namespaces
# and in a cgroup that go away with it. Needs root and cgroup2; the machine's own systemd, if it has one, is not touched.
set -euo pipefail

if [ "${1:-}" = boot ]; then # as process 1 of the namespaces
	root=$2 repo=$3 files=$4 at=$5
	mount --make-rprivate /
	mount -t tmpfs tmpfs "$at"
	mkdir "$at/upper" "$at/work" "$at/root"
	new=$at/root
	mount -t overlay overlay -o "lowerdir=$root,upperdir=$at/upper,workdir=$at/work" "$new"
	mount -t proc proc "$new/proc"
	# What a container sets here, it sets for the machine.
	mount --bind "$new/proc/sys" "$new/proc/sys"
	mount -o remount,bind,ro "$new/proc/sys"
	mount -t sysfs -o ro sysfs "$new/sys"
	mount -t cgroup2 cgroup2 "$new/sys/fs/cgroup"
	mount -t tmpfs -o mode=755 tmpfs "$new/run"
	mount -t tmpfs -o mode=755 tmpfs "$new/dev"
	for node in null zero full random urandom tty; do
		touch "$new/dev/$node"
		mount --bind "/dev/$node" "$new/dev/$node"
	done
	mkdir "$new/dev/pts" "$new/dev/shm" "$new/old"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$new/dev/pts"
	mount -t tmpfs tmpfs "$new/dev/shm"
	ln -s pts/ptmx "$new/dev/ptmx"
	ln -s /proc/self/fd "$new/dev/fd"
	mkdir -p "$new/run/sshd" "$new/run/dpki-pam" "$new/usr/lib/dpki" "$new/mnt/repo"
	mount --rbind "$repo" "$new/mnt/repo"
	cp "$files/dpki-authkeys" "$new/usr/lib/dpki/"
	cp "$files/pam_dpki.so" "$new/run/dpki-pam/"
	cp "$files/test" "$new/run/test"
	for account in alice:6001 bob:6002 dpki-authkeys:6004; do
		name=${account%:*} id=${account#*:}
		echo "$name:x:$id:$id::/run/home/$name:/bin/sh" >>"$new/etc/passwd"
		echo "$name:x:$id:" >>"$new/etc/group"
		echo "$name:*:19000:0:99999:7:::" >>"$new/etc/shadow"
		mkdir -p "$new/run/home/$name"
		chown "$id:$id" "$new/run/home/$name"
	done
	cd "$new"
	pivot_root . old
	umount -l old
	exec env -i container=dpki PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init --show-status=false
fi

root=$(realpath "$1") test=$(realpath "$2")
shift 2
here=$(cd "$(dirname "$0")/.." && pwd)
package=${PWD#"$here"/}
files=$(mktemp -d)
cgroup=$(findmnt -n -o TARGET -t cgroup2 | head -n 1)/dpki-systemd-$$
mkdir "$cgroup"
init=

cleanup() {
	[ -z "$init" ] || kill -KILL "$init" 2>/dev/null || true # process 1: the kernel ends all of its namespace
	for _ in $(seq 50); do
		find "$cgroup" -depth -type d -exec rmdir {} \; 2>/dev/null || true
		[ -d "$cgroup" ] || break
		sleep 0.1
	done
	rm -rf "$files"
}
trap cleanup EXIT

make -s -C "$here" build/lib/pam_dpki.so build/bin/dpki-authkeys >&2
cp "$here/build/lib/pam_dpki.so" "$here/build/bin/dpki-authkeys" "$files/"
cp "$test" "$files/test"
mkdir "$files/at"
(
	echo "$BASHPID" >"$cgroup/cgroup.procs"
	exec unshare -C -m -p -u -i -n --fork --kill-child "$0" boot "$root" "$here" "$files" "$files/at"
) >"$files/boot.log" 2>&1 &
outer=$!
for _ in $(seq 300); do
	init=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null || true)
	init=${init%% *}
	if [ -n "$init" ] && nsenter -t "$init" -a -r -w systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded'; then
		break
	fi
	kill -0 "$outer" 2>/dev/null || { cat "$files/boot.log" >&2; exit 1; }
	sleep 0.2
done
nsenter -t "$init" -a -r -w ip link set lo up
code=0
# argv[0] tells harness.Main that the machine is the tests' own already.
nsenter -t "$init" -a -r -w systemd-run --quiet --pipe --wait --collect -p "WorkingDirectory=/mnt/repo/$package" -p TimeoutStopSec=5 \
	bash -c 'PATH=/usr/sbin:/usr/bin:/sbin:/bin exec -a dpki-harness-tests /run/test "$@"' bash "$@" || code=$?
exit "$code"
