#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: documents.sh MAN-PAGE
#
# What stands beside the program knows all of its commands and options.  KVM_DEVUSER is
# the program.

set -u
cd "$(dirname "$0")/.." || exit

MAN=$1
PAGE=Documentation/kvm-devuser.rst
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
NR=0
FAILED=0

judge() {
	NR=$((NR + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $NR $2"
	else
		echo "not ok $NR $2"
		FAILED=1
	fi
}

# What the help has.
commands() {
	"$KVM_DEVUSER" help | sed -n 's/^  kvm-devuser \([a-z]*\).*/\1/p'
}

options_of_commands() {
	"$KVM_DEVUSER" help | grep '^  kvm-devuser ' | grep -o -e '--[a-z]*' | sort -u
}

options() {
	"$KVM_DEVUSER" help | sed -n '/^options:/,$p' | grep -o -e '--[a-z]*' | sort -u
}

# complete WORD...: what bash offers for the last one.
complete_words() (
	. bash-completion/kvm-devuser
	COMP_WORDS=(kvm-devuser "$@")
	COMP_CWORD=$#
	_kvm_devuser
	printf '%s\n' "${COMPREPLY[@]}"
)

# Later ones, as the ids, ask the program by its name.
mkdir "$SCRATCH/bin"
ln -s "$KVM_DEVUSER" "$SCRATCH/bin/kvm-devuser"
PATH=$SCRATCH/bin:$PATH

[ "$(commands | wc -l)" -ge 8 ]
judge $? "the help has the commands"
for command in $(commands); do
	grep -qE "^$command( |\$)" "$PAGE"
	judge $? "the page has $command"
	complete_words '' | grep -qx "$command"
	judge $? "bash offers $command"
	grep -qF "B$command" "$MAN"
	judge $? "the formatted page has $command"
done
for option in $(options); do
	grep -qE "(^|, )$option( |\$)" "$PAGE"
	judge $? "the page has $option"
	complete_words -- | grep -qx -e "$option"
	judge $? "bash offers $option"
done
for option in $(options_of_commands); do
	grep -qF -- "**$option**" "$PAGE"
	judge $? "the page has $option"
	grep -qF -- "$option" bash-completion/kvm-devuser
	judge $? "bash offers $option"
done
for name in $(sed -n 's/.*json_[a-z]*(.*json, "\([a-z-]*\)".*/\1/p' ./*.c | sort -u); do
	grep -qF "*$name*" "$PAGE"
	judge $? "the page has the JSON name $name"
done
for event in $(sed -n 's/^\t\[EVENT_[A-Z_]*\] = "\([a-z-]*\)",/\1/p' events.c); do
	grep -qE "^    $event  " "$PAGE"
	judge $? "the page has the event $event"
done
[ "$(complete_words modules '' | xargs)" = "status load unload" ]
judge $? "bash offers the commands of modules"
[ "$(complete_words -j --proc /proc top --w)" = "--watch" ]
judge $? "bash finds the command behind options"
[ "$(complete_words list --failed '' | xargs)" = "--failed --watch --interval" ]
judge $? "bash goes on behind an option"

if command -v man >/dev/null; then
	said=$(LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l "$MAN" 2>&1 >/dev/null)
	[ -z "$said" ]
	judge $? "the page can be formatted: $said"
fi
if command -v systemd-analyze >/dev/null; then
	sed "s|/usr/sbin/kvm-devuser|$KVM_DEVUSER|" kvm-devuser-monitor.service \
		>"$SCRATCH/kvm-devuser-monitor.service"
	said=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no \
		"$SCRATCH/kvm-devuser-monitor.service" 2>&1 | grep kvm-devuser)
	[ -z "$said" ]
	judge $? "the unit is one: $said"
fi

echo "1..$NR"
exit $FAILED
