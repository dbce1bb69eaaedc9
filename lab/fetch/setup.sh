#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks that this machine can run the lab, and installs the Debian packages
# that are missing, from the machine's own sources.

. "$(dirname "$0")/../lib/lib.sh"

MEMORY_GB=6	# L1 has 4
DISK_GB=15	# what a complete build/ takes, a debug kernel included

check_path() {
	case $ROOT in
	*[[:space:]:]*)
		die "kernels cannot be built in a path with spaces or colons: $ROOT" ;;
	esac
}

check_system() {
	local id version arch

	id=$(. /etc/os-release && echo "${ID:-unknown}")
	version=$(. /etc/os-release && echo "${VERSION_ID:-unknown}")
	[ "$id $version" = "debian 12" ] ||
		die "this is $id $version; the lab needs Debian 12 (bookworm)"
	arch=$(dpkg --print-architecture)
	[ "$arch" = amd64 ] || die "this is $arch; the lab needs amd64"
}

check_memory() {
	local kb

	kb=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	# A machine sold as 6 GB shows a little less.
	[ $((kb + 512 * 1024)) -ge $((MEMORY_GB * 1024 * 1024)) ] ||
		die "this machine has $((kb / 1024)) MB of memory; the lab needs $MEMORY_GB GB"
}

# What earlier runs have put into build/ counts as free.
check_disk() {
	local free used

	mkdir -p "$BUILD"
	free=$(free_gb)
	[ "$free" -lt "$DISK_GB" ] || return 0
	used=$(du -sk "$BUILD" | awk '{ print int($1 / 1024 / 1024) }')
	[ $((free + used)) -ge "$DISK_GB" ] ||
		die "$free GB of disk are free in $BUILD; the lab needs $((DISK_GB - used)) GB"
}

wanted() {
	sed 's/#.*//' "$LAB/fetch/packages" | tr -s ' \n' '\n' | sed '/^$/d'
}

missing() {
	comm -23 <(wanted | sort) <(installed | sort)
}

installed() {
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p'
}

# as_root COMMAND...: runs COMMAND with the right to install packages.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo -n "$@"
	fi
}

check_rights() {
	[ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null ||
		die "no right to install packages: become root, or run" \
		    "apt-get install --no-install-recommends $*"
}

check_known() {
	local unknown cause

	unknown=$(comm -23 <(printf '%s\n' "$@" | sort) <(apt-cache pkgnames | sort) |
		tr '\n' ' ')
	[ -n "$unknown" ] || return 0
	cause=$(cause_of "$LOGS/setup-update.log")
	: "${cause:=these packages are in none of the APT sources: $unknown}"
	die "$cause" \
	    "see /etc/apt/sources.list and /etc/apt/sources.list.d" \
	    "and the log of the update: $LOGS/setup-update.log"
}

install_packages() {
	say "these Debian packages are missing:"
	printf '  %s\n' "$@"
	check_rights "$@"
	steps 2
	step "renew the package lists"
	logged update as_root apt-get -q update
	check_known "$@"
	step "install $# packages"
	logged install as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		install --no-install-recommends "$@"
	done_with "packages installed"
}

main() {
	local packages

	check_path
	check_system
	check_memory
	check_disk
	[ -n "$(missing)" ] || return 0
	lock setup
	mapfile -t packages < <(missing)
	[ ${#packages[@]} -eq 0 ] || install_packages "${packages[@]}"
}

main
