# SPDX-License-Identifier: GPL-2.0
#
# What every lab script shares: places, errors, progress, logs, stamps, locks.
# Sourced, not run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
LAB=$ROOT/lab
BUILD=$ROOT/build
LOGS=$BUILD/logs
STAMPS=$BUILD/stamps
ME=$(basename "$0" .sh)

export LC_ALL=C

# Neither the make above nor the user's environment changes the builds below.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
unset ARCH CROSS_COMPILE CC CFLAGS CPPFLAGS LDFLAGS KCFLAGS KBUILD_OUTPUT O

# Debian's own tools, not what a user's PATH puts before them.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin

die() {
	printf '%s: error: %s\n' "$ME" "$1" >&2
	shift
	[ $# -eq 0 ] || printf '  %s\n' "$@" >&2
	exit 1
}

say() {
	printf '%s: %s\n' "$ME" "$*"
}

# --- progress -----------------------------------------------------------------

STEP=0
STEPS=1

elapsed() {
	printf '%dm%02ds' $((SECONDS / 60)) $((SECONDS % 60))
}

# steps COUNT: how many calls of step follow.
steps() {
	STEPS=$1
}

# step TEXT: announces the next step.
step() {
	STEP=$((STEP + 1))
	say "step $STEP of $STEPS, $(elapsed): $*"
}

done_with() {
	say "$1 ($(elapsed))"
}

# On a terminal, keeps a line with the time until its process is killed.
ticker() {
	while sleep 1; do
		printf '\r%s: step %s of %s, %s ' \
			"$ME" "$STEP" "$STEPS" "$(elapsed)"
	done
}

# logged NAME COMMAND...: runs COMMAND with its output in a log file; a failure
# shows the end of the log and its name.
logged() {
	local log=$LOGS/$ME-$1.log status tick=

	shift
	mkdir -p "$LOGS"
	if [ -t 1 ]; then
		ticker &
		tick=$!
		# The ticker must not outlive an interrupted script.
		trap 'kill $tick 2>/dev/null || true' EXIT
	fi
	# Neither "||" nor "if" here: they would switch off -e in a function.
	set +e
	(set -e; "$@") >"$log" 2>&1 </dev/null
	status=$?
	set -e
	if [ -n "$tick" ]; then
		kill "$tick" 2>/dev/null || true
		wait "$tick" 2>/dev/null || true
		printf '\r\033[K'
		trap - EXIT
	fi
	[ $status -eq 0 ] || log_failure "$log" "$status" "$*"
}

log_failure() {
	local cause

	cause=$(cause_of "$1")
	{
		# In a parallel build the first errors are not the last lines.
		head -n -20 "$1" | grep -E 'error:|ERROR:|FAILED:|[*]{3} ' | head -n 10 || true
		tail -n 20 "$1"
	} | sed 's/^/  | /' >&2
	die "step $STEP of $STEPS failed (exit $2): ${cause:-$3}" "full log: $1"
}

# cause_of LOG: plain words for a failure, where there are any.
cause_of() {
	if grep -Eq 'Could not (resolve|connect)|Temporary failure resolving|Network is unreachable' "$1"; then
		echo "no network: the Debian archive cannot be reached"
	elif grep -q 'No space left on device' "$1"; then
		echo "the disk is full"
	elif grep -Eq 'Cannot allocate memory|virtual memory exhausted|fatal error: Killed signal' "$1"; then
		echo "too little memory"
	else
		sed -n "s/^$ME: error: //p" "$1" | tail -n 1
	fi
}

# --- stamps -------------------------------------------------------------------

# hash_of PATH...: a hash of the names and contents of files and directories.
hash_of() {
	local path

	for path; do
		if [ -d "$path" ]; then
			find "$path" -type f -print0 | sort -z | xargs -0r sha256sum
		elif [ -e "$path" ]; then
			sha256sum "$path"
		else
			printf 'none %s\n' "$path"
		fi
	done | sha256sum | cut -c1-64
}

# hash_text WORD...: a hash of words.
hash_text() {
	printf '%s\n' "$@" | sha256sum | cut -c1-64
}

# is_fresh NAME HASH OUTPUT...: was NAME made from inputs with this hash, and
# are its outputs still there?
is_fresh() {
	local name=$1 hash=$2 output

	[ "$(cat "$STAMPS/$name" 2>/dev/null)" = "$hash" ] || return 1
	shift 2
	for output; do
		[ -e "$output" ] || return 1
	done
}

# stamp NAME HASH: remembers what NAME was made from.
stamp() {
	mkdir -p "$STAMPS"
	printf '%s\n' "$2" >"$STAMPS/$1.new"
	mv "$STAMPS/$1.new" "$STAMPS/$1"
}

unstamp() {
	rm -f "$STAMPS/$1"
}

# --- locks --------------------------------------------------------------------

# lock NAME: until the script ends, nobody else works on NAME.
lock() {
	local fd

	mkdir -p "$BUILD/locks"
	exec {fd}>"$BUILD/locks/$1"
	if ! flock -n "$fd"; then
		say "waits for another make that works on $1"
		flock "$fd"
	fi
}

# --- limits -------------------------------------------------------------------

free_gb() {
	df --output=avail -k "$BUILD" | awk 'END { print int($1 / 1024 / 1024) }'
}

jobs() {
	nproc
}
