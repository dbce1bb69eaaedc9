#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks lab/model/devuser.pml, the request's life as a model, with spin: first
# as it is, in each scenario; then broken in each of the ways that
# lab/model/mutations lists, which spin has to find.  DEEP=1 adds the scenarios
# in which several things happen at once, minutes each.

. "$(dirname "$0")/lib.sh"

MODEL=$LAB/model/devuser.pml
MUTATIONS=$LAB/model/mutations
OUT=$BUILD/model
DEPTH=100000

DEFAULTS="DIES=0 HOLD=0 REPLAY=0 EXPIRES=0 SIGNALS=0 ABANDONS=0 CLOSES=0 FAULTS=0
	WAITS=0 LAST=LOAD"

SCENARIOS=(
	"LAST=LOAD"
	"LAST=STORE"
	"DIES=1"
	"DIES=1 HOLD=1 LAST=STORE"
	"DIES=1 HOLD=1 REPLAY=1"
	"EXPIRES=1"
	"SIGNALS=1 FAULTS=1"
	"ABANDONS=1"
	"CLOSES=1"
	"WAITS=1"
)
DEEP_SCENARIOS=(
	"SIGNALS=1 EXPIRES=1 LAST=STORE"
	"SIGNALS=2 DIES=1 HOLD=1 REPLAY=1"
	"WAITS=1 DIES=1 HOLD=1 REPLAY=1"
	"DIES=1 HOLD=1 EXPIRES=1"
	"SIGNALS=1 ABANDONS=1"
)

# The model speaks of the code: what it names as the code's has to be there.
check_names() {
	local name names

	names=$(sed -n 's/^inline \(\(score\|queue\|access\|slave\)_[a-z_]*\)(.*/devuser_\1(/p' "$MODEL"
		echo 'devuser_fail('
		sed -n 's/.*\(KVM_DEVUSER_[A-Z_]*\).*/\1/p' "$MODEL"
		printf 'KVM_DEVUSER_%s\n' IDLE LIVE HELD FAILED
		printf 'DEVUSER_%s\n' GONE FREE PENDING SENT)
	for name in $names; do
		grep -Fqr "$name" "$ROOT/virt/kvm/devuser" "$ROOT/include/uapi" ||
			die "the model names $name, which the code does not have"
	done
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
	gcc -O2 -DSAFETY -DCOLLAPSE -DNOFAIR -o pan pan.c
	./pan -n -m$DEPTH >report 2>&1 || true
	cat report
	grep -q 'errors:' report || die "spin gave no result for $2" "see $out/report"
}

# No error, nothing left out for lack of depth or of memory.
check_scenario() {
	verify "$MODEL" scenario "$1"
	grep -q 'errors: 0$' "$OUT/scenario/report" &&
		! grep -Eq 'max search depth too small|out of memory|Search not completed' \
			"$OUT/scenario/report"
}

check_scenarios() {
	local scenario

	for scenario; do
		echo "scenario: $scenario"
		check_scenario "$scenario" || die "the model fails with $scenario"
	done
}

# A mutation that changes nothing would show nothing.
check_mutation() {
	local name=$1 scenario=$2 expected=$3 script=$4

	mkdir -p "$OUT"
	sed "$script" "$MODEL" >"$OUT/$name.pml"
	! cmp -s "$MODEL" "$OUT/$name.pml" || die "mutation $name changes nothing"
	verify "$OUT/$name.pml" "mutation-$name" "$scenario"
	grep '^pan:1: ' "$OUT/mutation-$name/report" | grep -Fq "$expected" ||
		die "mutation $name is not found: $expected was expected" \
		    "see $OUT/mutation-$name/report"
}

trim() {
	sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"
}

check_mutations() {
	local name scenario expected script

	while IFS='|' read -r name scenario expected script; do
		echo "mutation: $name"
		check_mutation "$(trim "$name")" "$(trim "$scenario")" \
			"$(trim "$expected")" "$(trim "$script")"
	done < <(grep -Ev '^(#|$)' "$MUTATIONS")
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
	hash=$(hash_text "$(hash_of "$LAB/model.sh" "$LAB/model")" "$deep" "$(spin -V)")
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
