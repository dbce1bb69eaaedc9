#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: fuzz-guest.sh [MODEL...]	RUNS=1000000 inputs for each model
#
# A hostile guest: QEMU's generic fuzzer, which writes what it wants to a device's
# registers and finds its own words wherever that does DMA, with the device in a
# process.  Both programs are checked by ASan and UBSan.  A process that ends, or
# that QEMU gives up, ends the run.

. "$(dirname "$0")/../lib/lib.sh"
. "$LAB/lib/fuzz.sh"

CORPUS=$BUILD/fuzz-guest
DISK="-drive if=none,,id=disk,,driver=null-co,,size=16M,,read-zeroes=on"

# The devices and the backends of their processes
declare -A DEVICES=(
	[nvme]="-device nvme,serial=1,drive=disk,rid=8"
	[e1000e]="-device e1000e,netdev=net,rid=8"
	[virtio-blk]="-device virtio-blk-pci,drive=disk,rid=8"
	[lsi53c895a]="-device lsi53c895a,id=lsi,rid=8 -device scsi-hd,drive=disk,bus=lsi.0,rid=8"
	[xhci]="-device qemu-xhci,id=xhci,rid=8 -device usb-storage,drive=disk,bus=xhci.0,rid=8"
)
declare -A BACKENDS=(
	[e1000e]="-netdev user,,id=net,,restrict=on"
)

# What the machine has besides the device costs more than that at each reset, and with
# each change of the memory's layout.
MACHINE=q35,acpi=off,hpet=off,i8042=off,sata=off,smbus=off,smm=off,vmport=off
PLUGGING=ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off

# Little RAM: what is beyond it is the fuzzer's, and DMA goes there by QEMU.  The
# process is another program than the fuzzer, and ASan wants more address space than
# a confined one has.
arguments() {
	local backend=${BACKENDS[$1]:-$DISK}

	echo "-machine $MACHINE,memory-backend=ram -m 2M -global $PLUGGING -nodefaults" \
		"-display none -object memory-backend-memfd,id=ram,size=2M ${DEVICES[$1]}" \
		"-remote rid=8,program=$OUT/qemu-system-x86_64,any-build=on,confine=off,command='$backend'"
}

# Inputs of more than 1024 bytes take longer, and find no more in the same time.  Whether
# a run went well is what its log says.
fuzz() {
	mkdir -p "$CORPUS/$1"
	QEMU_FUZZ_ARGS=$(arguments "$1") QEMU_FUZZ_OBJECTS="x-pci-proxy-dev*" \
		"$OUT/qemu-fuzz-x86_64" --fuzz-target=generic-fuzz "${COMMON[@]}" -max_len=1024 \
		-timeout=120 -artifact_prefix="$LOGS/$ME-$1-" "$CORPUS/$1" >"$LOGS/$ME-$1.log" 2>&1 </dev/null
}

main() {
	local model models=("$@")

	need_runs
	[ $# -gt 0 ] || models=("${!DEVICES[@]}")
	for model in "${models[@]}"; do
		[ "${DEVICES[$model]-}" ] ||
			die "no model is known as '$model'" "there are: ${!DEVICES[*]}"
	done
	"$LAB/build/qemu.sh" sanitize
	lock fuzz-guest
	steps 1
	step "${models[*]}, $RUNS inputs each"
	on_each_cpu fuzz "${models[@]}"
	for model in "${models[@]}"; do
		check_count "$model" 'ERROR:|runtime error:|is lost'
	done
	done_with "hostile guests have done no harm"
}

main "$@"
