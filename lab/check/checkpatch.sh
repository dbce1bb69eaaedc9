#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: checkpatch.sh FILE
#
# checkpatch on one file of the component.  It is for every series: the oldest
# one's checkpatch asks for nothing that this series does not have.  A file that
# has passed is not checked again until it changes.

. "$(dirname "$0")/../lib/lib.sh"

TREE=$BUILD/trees/linux-6.12

# What checkpatch asks for and the kind of file cannot have.
cannot_have() {
	case $1 in
	*/include/uapi/*)
		echo BIT_MACRO ;;	# BIT() is not there in userspace
	*/trace.h)			# TRACE_EVENT() has a form of its own
		echo OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING ;;
	*/tools/kvm/*)			# GLib's types are not the kernel's
		echo CAMELCASE,LINE_SPACING,PREFER_KERNEL_TYPES,SPACING ;;
	*)
		echo NONE ;;
	esac
}

main() {
	local name=checkpatch${1//\//-} hash

	hash=$(hash_of "$1" "$LAB/check/checkpatch.sh" "$TREE/scripts/checkpatch.pl")
	is_fresh "$name" "$hash" && return
	# It leaves a list of its own in the folder where it runs.
	mkdir -p "$STAMPS"
	cd "$STAMPS"
	"$TREE/scripts/checkpatch.pl" --root="$TREE" --strict --terse --no-summary \
		--no-signoff --ignore "$(cannot_have "$1")" -f "$1"
	stamp "$name" "$hash"
}

main "$1"
