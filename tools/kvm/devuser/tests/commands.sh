#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The program as it is called: what it prints, and how it ends.  KVM_DEVUSER is how to
# call it.

set -u
cd "$(dirname "$0")" || exit

SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
PROC=$SCRATCH/proc
NR=0
FAILED=0

# expect STATUS PATTERN ARGUMENT...: the program ends so, and what it says has that.
expect() {
	local status=$1 pattern=$2 output got

	shift 2
	# shellcheck disable=SC2086 # it may have a wrapper
	output=$($KVM_DEVUSER "$@" 2>&1)
	got=$?
	judge "$status" "$got" "$pattern" "$output" "$*"
}

judge() {
	NR=$((NR + 1))
	if [ "$1" = "$2" ] && grep -qE -- "$3" <<<"$4"; then
		echo "ok $NR $5"
	else
		echo "not ok $NR $5"
		echo "# status $2, not $1; '$3' in: $4"
		FAILED=1
	fi
}

# process PID NAME [FLAGS]
process() {
	mkdir -p "$PROC/$1"/{fd,fdinfo}
	echo "$2" >"$PROC/$1/comm"
	echo "$1 ($2) S 1 1 1 0 -1 ${3:-0} 0 0 0 0 0 0 0 0 20 0 1 0 $1 0 0" >"$PROC/$1/stat"
	: >"$PROC/$1/cmdline"
}

# descriptor PID FD END ID STATE: as the kernel's, never half of one.
descriptor() {
	local key

	ln -sfn "anon_inode:$3" "$PROC/$1/fd/$2"
	{
		printf 'devuser-id:\t%s\ndevuser-state:\t%s\n' "$4" "$5"
		for key in pending sent vcpus stores loads shadow-loads doorbells timeouts \
			refused discarded busy; do
			printf 'devuser-%s:\t%s\n' $key "$4"
		done
		printf 'devuser-range:\t0 mmio 0xfe000000 0x1000 posted\n'
	} >"$SCRATCH/fdinfo"
	mv "$SCRATCH/fdinfo" "$PROC/$1/fdinfo/$2"
}

process 1 init
process 100 qemu
printf 'qemu\0-name\0guest=first\0' >"$PROC/100/cmdline"
process 200 remote
descriptor 100 20 kvm-user 1 live
descriptor 200 5 kvm-user-slave 1 live
descriptor 100 21 kvm-user 2 held

json_has() {
	# shellcheck disable=SC2086
	$KVM_DEVUSER --proc "$PROC" "$1" "${@:3}" | python3 -c "
import json, sys
for line in sys.stdin if '$1' == '-j' else [sys.stdin.read()]:
    d = json.loads(line)
    assert $2, d" 2>&1
	judge 0 "$?" "" "" "${*:3} is JSON"
}

expect 0 '^ID +STATE|^ +ID +STATE' --proc "$PROC" list
expect 0 '1 +live +first +100 qemu +200 remote +1 +1' --proc "$PROC" list
expect 0 '2 +held +first +100 qemu +-' --proc "$PROC" list
expect 0 'slave +process 200 \(remote\), descriptor 5' --proc "$PROC" show 1
expect 0 'range 0 +mmio 0xfe000000-0xfe000fff, posted' --proc "$PROC" show 1
expect 3 'no device 9' --proc "$PROC" show 9
expect 0 'STORES/s' --proc "$PROC" top --interval 0.05
json_has -j "d['devices'][0]['vm'] == 'first' and d['unreadable-processes'] == 0" list
json_has -p "d['slave'][0]['pid'] == 200 and d['ranges'][0]['address'] == 0xfe000000" show 1
json_has -j "len(d['devices']) == 2 and d['devices'][0]['rates'] == dict.fromkeys(
    ('stores', 'loads', 'shadow-loads', 'doorbells', 'timeouts', 'refused'), 0)" \
	top --interval 0.05

# failed devices
expect 0 'ID' --proc "$PROC" list --failed
descriptor 100 21 kvm-user 2 failed
expect 3 '2 +failed' --proc "$PROC" list --failed

# wrong usage
expect 2 "no command 'lost'" lost
expect 2 'give a command'
expect 2 "what is 'more'" list more
expect 2 "what is 'more'" list --failed more
expect 2 'id of a device' show
expect 2 "'-1' is not the id" show -1
expect 2 "'4294967296' is not the id" show 4294967296
expect 2 "'' is not the id" show ''
expect 2 "'0' is no time" top --interval 0
expect 2 "'nan' is no time" top --interval nan
expect 2 "'' is no time" top --interval
expect 2 "what is 'more'" monitor more
expect 2 "'0' is no time" monitor --interval 0
expect 2 "'' is no time" monitor --interval
expect 2 'modules: give a command' modules
expect 2 "modules: there is no command 'lost'" modules lost
expect 2 "what is 'more'" modules load more
expect 2 'give a folder' modules load --dir
expect 2 'give a folder' modules status --dir ''
expect 2 "what is 'more'" modules unload more
expect 2 "what is 'more'" check more
expect 2 'give a program' check --qemu
expect 2 'unrecognized option' --lost
expect 0 'usage: kvm-devuser' help
expect 0 'usage: kvm-devuser' --help
expect 0 '^kvm-devuser [0-9]+$' --version
expect 1 'cannot read /nowhere' --proc /nowhere list

# who reads is gone, or has no room
# shellcheck disable=SC2086
output=$({ $KVM_DEVUSER --proc "$PROC" list; echo "status $?" >&3; } 3>&1 2>&1 >/dev/full)
judge 0 0 'status 1$' "$output" "a full disk: status"
judge 0 0 'cannot write: No space left' "$output" "a full disk: said"
# shellcheck disable=SC2086
output=$({ { sleep 0.2; $KVM_DEVUSER --proc "$PROC" list 2>&3; echo "status $?" >&3; } | :; } 3>&1)
judge 0 0 'status 1$' "$output" "a closed pipe: status"
judge 0 0 'cannot write: Broken pipe' "$output" "a closed pipe: said"

# A pipe that is full: nobody reads from it for a while.
for number in $(seq 1000 1250); do
	process "$number" qemu
	descriptor "$number" 20 kvm-user "$number" live
done
# shellcheck disable=SC2086
output=$({ $KVM_DEVUSER --proc "$PROC" -j list; echo "status $?" >&2; } 2>&1 |
	{ sleep 1; python3 -c '
import json, sys
text, status = sys.stdin.read().splitlines()
assert len(text) > 1 << 16
print(len(json.loads(text)["devices"]), status)' 2>&1; })
judge 0 0 '^253 status 0$' "$output" "a full pipe: all comes"
mkfifo "$SCRATCH/pipe"
exec {pipe}<>"$SCRATCH/pipe"
# shellcheck disable=SC2086
output=$({ python3 -c 'import os; os.set_blocking(1, False)'
	   $KVM_DEVUSER --proc "$PROC" -j list 2>&3; echo "status $?" >&3; } 3>&1 >"$SCRATCH/pipe")
exec {pipe}>&-
judge 0 0 'status 1$' "$output" "a full pipe that is not waited for: status"
judge 0 0 'cannot write: Resource temporarily' "$output" "a full pipe that is not waited for: said"
rm -r "$PROC"/1[0-9][0-9][0-9]
# shellcheck disable=SC2086
output=$($KVM_DEVUSER --proc "$PROC" list 2>&1 >&-; echo "status $?")
judge 0 0 'status 1$' "$output" "no standard output: status"
# shellcheck disable=SC2086
output=$({ { sleep 0.2; timeout 60 $KVM_DEVUSER --proc "$PROC" top --watch --interval 0.05 2>&3
	    echo "status $?" >&3; } | head -n 1 >/dev/null; } 3>&1)
judge 0 0 'status 1$' "$output" "top ends when its reader does"
# shellcheck disable=SC2086
output=$(timeout -s INT 2 $KVM_DEVUSER --proc "$PROC" top --watch --interval 0.05 2>&1 | tail -n 1
	echo "status ${PIPESTATUS[0]}")
judge 0 0 'status (0|124)' "$output" "top ends when it is interrupted"

# until_has PATTERN FILE
until_has() {
	local end=$((SECONDS + 60))

	until grep -qs -- "$1" "$2"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# again and again
descriptor 100 22 kvm-user 3 live
# shellcheck disable=SC2086
$KVM_DEVUSER --proc "$PROC" -j list --failed --watch --interval 0.05 >"$SCRATCH/list" 2>&1 &
LIST=$!
# shellcheck disable=SC2086
$KVM_DEVUSER --proc "$PROC" show 3 --interval 0.05 --watch >"$SCRATCH/show" 2>&1 &
SHOW=$!
until_has '"devices"' "$SCRATCH/list"
judge 0 $? '' '' "list --watch looks at once"
descriptor 100 22 kvm-user 3 failed
until_has '"id":3,"state":"failed"' "$SCRATCH/list"
judge 0 $? '' '' "list --watch sees a failure"
until_has 'state  *failed' "$SCRATCH/show"
judge 0 $? '' '' "show --watch sees a failure"
kill -INT $LIST
wait $LIST
judge 3 $? '' '' "list --failed --watch is interrupted: the last answer"
rm "$PROC"/100/fd/22 "$PROC"/100/fdinfo/22
wait $SHOW
judge 3 $? 'no device 3 is seen' "$(tail -n 1 "$SCRATCH/show")" "show --watch ends with its device"

# the monitor
until_says() {
	until_has "$1" "$SCRATCH/events"
}

descriptor 100 21 kvm-user 2 live
# shellcheck disable=SC2086
$KVM_DEVUSER --proc "$PROC" -j monitor --interval 0.05 >"$SCRATCH/events" 2>&1 &
MONITOR=$!
until_says '"event":"present","id":2,'
descriptor 100 21 kvm-user 2 failed
until_says '"event":"failed","id":2,'
rm -r "$PROC/200"
descriptor 100 20 kvm-user 1 held
until_says '"event":"slave-lost","id":1,'
mv "$PROC/100" "$PROC/away"
until_says '"event":"gone","id":1,'
mv "$PROC/away" "$PROC/100"
until_says '"event":"appeared","id":1,'
kill "$MONITOR"
wait "$MONITOR"
status=$?
events=$(python3 -c '
import json, sys
print(" ".join("%s-%s" % (e["event"], e["id"]) for e in map(json.loads, sys.stdin)))' \
	<"$SCRATCH/events" 2>&1)
judge 0 $status \
	'^present-1 present-2 slave-lost-2 failed-2 slave-lost-1 gone-1 gone-2 appeared-1 ' \
	"$events" "monitor: events"
# shellcheck disable=SC2086
output=$({
	timeout 120 $KVM_DEVUSER --proc "$PROC" monitor
	echo "status $?" >&3
} 3>&1 2>&1 >/dev/full)
judge 0 0 'status 1$' "$output" "monitor: a full disk"
process 200 remote
descriptor 200 5 kvm-user-slave 1 live
descriptor 100 20 kvm-user 1 live

# no rights, which root does not lack
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$SCRATCH" "$PROC"
	chmod 700 "$PROC/200/fd"
	process 300 kthreadd $((0x00200000))
	chmod 700 "$PROC/300/fd"
	KVM_DEVUSER="setpriv --reuid 65534 --regid 65534 --clear-groups $KVM_DEVUSER"
	descriptor 100 21 kvm-user 2 held
	expect 0 'descriptors of 1 processes may not be read' --proc "$PROC" list
	expect 0 '1 +live +first +100 qemu +\?' --proc "$PROC" list
	expect 4 'may not be read' --proc "$PROC" list --failed
	expect 4 'no device 9' --proc "$PROC" show 9
fi

echo "1..$NR"
exit $FAILED
