#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks lab/model/devuser.pml, the request's life as a model, with spin: first
# as it is, in each scenario; then broken in each of the ways that
# lab/model/mutations lists, which spin has to find.  DEEP=1 adds the scenarios
# in which several things happen at once, minutes each.

. "$(dirname "$0")/../lib/lib.sh"

MODEL=$LAB/model/devuser.pml
MUTATIONS=$LAB/model/mutations
OUT=$BUILD/model
DEPTH=100000

DEFAULTS="DIES=0 HOLD=0 REPLAY=0 EXPIRES=0 STOPS=0 SIGNALS=0 ABANDONS=0 MUTE=0
	REVOKES=0 CLOSES=0 FAULTS=0 WAITS=0 EARLY=0 DIVERTS=0 MOVES=0 POOL=1
	A0=STORE A1=STORE A2=LOAD B0=LOAD B1=NOTHING"

SCENARIOS=(
	# what vCPUs do
	"B0=LOAD"
	"A2=STORE B0=STORE"
	"A0=NP_STORE A1=NP_BELL B0=OUT SIGNALS=1"
	"A1=BELL B0=NP_BELL B1=BELL"
	"A1=IN A2=NP_OUT B0=OUT POOL=2"
	# what happens to them
	"SIGNALS=1 FAULTS=1"
	"EXPIRES=2 A1=NOTHING"
	"ABANDONS=1"
	"ABANDONS=1 FAULTS=1 A0=LOAD A1=NP_STORE A2=NOTHING B0=STORE"
	"ABANDONS=1 A0=IN A1=NP_OUT A2=NOTHING B0=STORE POOL=2"
	"ABANDONS=1 MUTE=1 A0=LOAD A2=NOTHING B0=STORE"
	"CLOSES=1"
	"WAITS=1 A1=NOTHING"
	# the slave stops, is closed, or is revoked
	"STOPS=1 A1=NOTHING"
	"DIES=1 A1=NOTHING B0=STORE"
	"DIES=1 HOLD=1 A1=NOTHING B0=STORE"
	"DIES=1 HOLD=1 REPLAY=1"
	"DIES=1 HOLD=1 REPLAY=1 A0=NP_OUT A1=IN A2=NOTHING B0=NOTHING POOL=2"
	"REVOKES=1 A1=BELL A2=NOTHING B0=NOTHING"
	"REVOKES=1 HOLD=1 A1=BELL A2=NOTHING B0=NOTHING"
	"REVOKES=1 HOLD=1 REPLAY=1 FAULTS=1 A1=LOAD A2=NOTHING B0=NOTHING"
	# loads that are queued early
	"EARLY=1 SIGNALS=1 B0=STORE"
	"EARLY=1 DIVERTS=1 MOVES=1 A0=LOAD"
	"EARLY=1 DIVERTS=2 A0=LOAD"
	"EARLY=1 ABANDONS=1 MUTE=1 A0=LOAD A2=NOTHING B0=STORE"
	"EARLY=1 REVOKES=1 HOLD=1 REPLAY=1 A1=NOTHING B0=NOTHING"
)
DEEP_SCENARIOS=(
	"WAITS=1"
	"ABANDONS=1 MUTE=1 A0=LOAD A2=NOTHING B0=STORE B1=STORE"
	"DIES=1 HOLD=1 B0=STORE"
	"DIES=1"
	"EXPIRES=2 B0=STORE"
	"STOPS=1 A0=IN A1=NOTHING B0=STORE"
	"REVOKES=1 A1=NOTHING B0=STORE"
	"REVOKES=1 HOLD=1 A1=BELL A2=BELL B0=NP_BELL"
	"REVOKES=1 HOLD=1 REPLAY=1 FAULTS=1 A1=NOTHING B0=STORE"
	"REVOKES=1 HOLD=1 REPLAY=1 ABANDONS=1 A0=LOAD A1=STORE A2=NOTHING B0=NOTHING"
	"SIGNALS=1 EXPIRES=2 A2=STORE"
	"SIGNALS=2 DIES=1 HOLD=1 REPLAY=1"
	"WAITS=1 DIES=1 HOLD=1 REPLAY=1"
	"DIES=1 HOLD=1 EXPIRES=2 A1=NOTHING"
	"SIGNALS=1 ABANDONS=1"
	"SIGNALS=1 ABANDONS=1 FAULTS=1 A0=IN A1=NP_OUT A2=NOTHING B0=STORE POOL=2"
	"EARLY=1 DIVERTS=1 MOVES=1 ABANDONS=1 FAULTS=1 A0=LOAD"
	"EARLY=1 DIVERTS=2 SIGNALS=1 EXPIRES=1 A0=LOAD"
	"EARLY=1 DIVERTS=1 REVOKES=1 HOLD=1 REPLAY=1 A0=LOAD A2=NOTHING B0=STORE"
)

# What runs for a second takes longer to be optimized.
PAN_FLAGS=(-O0 -w -DSAFETY -DCOLLAPSE -DNOFAIR)
[ "${DEEP:-0}" = 0 ] || PAN_FLAGS[0]=-O1

# What in the model is nobody's but its own.
OWN='check_[a-z_]*\|once\|discard\|requeue\|hold\|ring\|receive\|open_slave'

# The model speaks of the code: what it names as the code's has to be there.
check_names() {
	local name names

	names=$(sed -n "/^inline \($OWN\)(/d; s/^inline \([a-z_]*\)(.*/devuser_\1(/p" "$MODEL"
		grep -o 'devuser_[a-z_]*()' "$MODEL" | tr -d ')'
		grep -o 'KVM_DEV_USER_[A-Z_]*' "$MODEL"
		printf 'KVM_DEV_USER_%s\n' IDLE LIVE HELD FAILED
		printf 'DEVUSER_%s\n' GONE FREE PENDING SENT POSTED AWAITED ABANDONED
		printf 'DEVUSER_%s\n' STORES_MAX STRING_MAX)
	for name in $names; do
		grep -Fqr "$name" "$ROOT/virt/kvm/devuser" "$ROOT/include/uapi" ||
			die "the model names $name, which the code does not have"
	done
}

# each_of COMMAND LINES: calls COMMAND with each line, as many at a time as there are
# processors.  What fails ends all, and is the last that is heard of it.
each_of() {
	local command=$1 max line n=0

	max=$(jobs)
	while IFS= read -r line; do
		if [ $n -eq "$max" ]; then
			wait -n || each_of_failed
			n=$((n - 1))
		fi
		"$command" "$line" </dev/null &
		n=$((n + 1))
	done <<<"$2"
	while [ $n -gt 0 ]; do
		wait -n || each_of_failed
		n=$((n - 1))
	done
}

each_of_failed() {
	local pid

	for pid in $(builtin jobs -rp); do
		wait "$pid" || true
	done
	exit 1
}

# verify MODEL NAME SCENARIO: spin's report is in NAME/report.
verify() {
	local model=$1 out=$OUT/$2 setting
	local -a defines=(-DSCENARIO)

	for setting in $DEFAULTS $3; do
		# The later of two settings holds.
		defines=("${defines[@]/#-D${setting%%=*}=*/}")
		defines+=("-D$setting")
	done
	rm -rf "$out"
	mkdir -p "$out"
	cd "$out"
	# shellcheck disable=SC2068 # no empty words
	spin ${defines[@]} -a "$model"
	gcc "${PAN_FLAGS[@]}" -o pan pan.c
	./pan -n -m$DEPTH >report 2>&1 || true
	# They are many, and of no more use.
	rm -f pan*
	grep -q 'errors:' report || die "spin gave no result for $2" "see $out/report"
}

# summary REPORT: states, depth, memory and time, in one line.
summary() {
	sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1 states,/p
		s/.*depth reached \([0-9]*\),.*/depth \1,/p
		s/^ *\([0-9]*\)[.0-9]*.*total actual memory usage.*/\1 MB,/p
		s/.*elapsed time \([0-9.]*\) seconds.*/\1 s/p' "$1" | tr '\n' ' '
}

# No error, nothing left out for lack of depth or of memory.
check_scenario() {
	local name

	name=scenario-$(tr ' =' '-_' <<<"$1")
	verify "$MODEL" "$name" "$1"
	echo "scenario $1: $(summary "$OUT/$name/report")"
	if ! grep -q 'errors: 0$' "$OUT/$name/report" ||
	   grep -Eq 'max search depth too small|out of memory|Search not completed' \
		"$OUT/$name/report"; then
		die "the model fails with $1" "see $OUT/$name/report"
	fi
}

check_scenarios() {
	local lines

	lines=$(printf '%s\n' "$@")
	each_of check_scenario "$lines"
}

trim() {
	sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"
}

# A mutation that changes nothing would show nothing.
check_mutation() {
	local name scenario expected script

	IFS='|' read -r name scenario expected script <<<"$1"
	name=$(trim "$name")
	scenario=$(trim "$scenario")
	expected=$(trim "$expected")
	script=$(trim "$script")

	sed "$script" "$MODEL" >"$OUT/$name.pml"
	! cmp -s "$MODEL" "$OUT/$name.pml" || die "mutation $name changes nothing"
	verify "$OUT/$name.pml" "mutation-$name" "$scenario"
	echo "mutation $name: $(grep '^pan:1: ' "$OUT/mutation-$name/report")"
	grep '^pan:1: ' "$OUT/mutation-$name/report" | grep -Fq "$expected" ||
		die "mutation $name is not found: $expected was expected" \
		    "see $OUT/mutation-$name/report"
}

check_mutations() {
	mkdir -p "$OUT"
	each_of check_mutation "$(grep -Ev '^(#|$)' "$MUTATIONS")"
}

main() {
	local hash deep=${DEEP:-0}

	case $deep in
	0) ;;
	1) SCENARIOS+=("${DEEP_SCENARIOS[@]}") ;;
	*) die "DEEP is 0 or 1, not $deep" ;;
	esac
	lock model
	steps 3
	step "look in the code for what the model names"
	logged names check_names
	hash=$(hash_text "$(hash_of "$LAB/model")" "$deep" "$(spin -V)")
	if is_fresh "model-$deep" "$hash"; then
		say "up to date"
		return
	fi
	step "check the model in ${#SCENARIOS[@]} scenarios"
	logged scenarios check_scenarios "${SCENARIOS[@]}"
	step "see that spin finds each of $(grep -Evc '^(#|$)' "$MUTATIONS") mutations"
	logged mutations check_mutations
	stamp "model-$deep" "$hash"
	done_with "the model holds, and every mutation is found"
}

main
