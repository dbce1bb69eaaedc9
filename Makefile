# SPDX-License-Identifier: GPL-2.0
#
# What can be done here; how it is done is in lab/.

DEVICE ?= lsi53c895a
DEVICES := $(sort $(basename $(notdir $(wildcard lab/boot/devices/*.ini))))

.NOTPARALLEL:
.PHONY: help setup sources modules kernel kernel-7.3 qemu selftests run \
	arm64 check check-deep check-qemu check-queue parity \
	guests containment attempts calls selinux apparmor fuzz-qemu fuzz-guest fault-matrix left-in-qemu model kunit mutate \
	bench bench-compare \
	style series check-series check-builds check-docs cross dkms-deb check-dkms deb \
	tool check-tool check-tool-deep tool-deb security-deb \
	modules-optional clean queue-6.12 queue-7.3 queue-optional queue-qemu

help:
	@sed -n 's/^#: //p' Makefile | sed 's/@DEVICES@/$(DEVICES)/'

#: make setup       install the Debian packages that are missing
setup:
	@lab/fetch/setup.sh

#: make sources     fetch the sources, and the trees with the patches applied
sources: setup
	@lab/fetch/sources.sh linux-6.12 linux-7.3 qemu-10.0 tools
	@lab/fetch/tree.sh linux-6.12
	@lab/fetch/tree.sh linux-7.3
	@lab/fetch/tree.sh qemu-10.0

#: make modules     KVM's modules with the user device, for the stock 6.12 kernel
modules: setup
	@lab/build/modules.sh

#: make modules-optional
#:                  the same with kernel-patches/optional, in build/modules-optional;
#:                  these are worked on in build/trees/optional
modules-optional: setup
	@lab/build/modules.sh optional

#: make kernel      a whole 6.12 kernel, or with KERNEL=7.3 of that series; DEBUG=1
#:                  for one that checks itself, DEBUG=kcsan for races
kernel: setup
	@lab/build/kernel.sh

#: make arm64       kernel and selftests for an arm64 machine, which check-deep boots
arm64: setup
	@lab/build/arm64.sh

#: make kernel-7.3  KVM of the 7.3 series, every warning an error
kernel-7.3: setup
	@lab/build/kernel-7.3.sh

#: make qemu        QEMU with the patch queue
qemu: setup
	@lab/build/qemu.sh

#: make selftests   the KVM selftests
selftests: setup
	@lab/build/selftests.sh

#: make run         a Linux guest whose device another process emulates;
#:                  DEVICE=@DEVICES@;
#:                  USER_DEVICE=off for the detour by way of QEMU;
#:                  SCENARIO=plugged, migrated or upgraded; killed, restarted,
#:                  stopped or soak with nvme; slow with ahci; inspected with e1000e;
#:                  full, watchdog, several, auto or boot with a disk, the last with
#:                  FIRMWARE=ovmf as well; viommu-strict, -lazy, -pt or -virtio;
#:                  selinux or apparmor, after make selinux or make apparmor
run: known-device modules qemu
	@lab/boot/run $(DEVICE)

# Before anything is built for it.
.PHONY: known-device
known-device:
	@$(if $(filter 1,$(words $(filter $(DEVICES),$(DEVICE)))),:,echo \
		"run: unknown DEVICE '$(DEVICE)': give one of $(DEVICES)" >&2; exit 2)

#: make check       build everything, run all tests, check the style
check: modules qemu selftests style model kunit
	@lab/check/check-clang
	@lab/check/check-qemu
	@lab/check/check-tool.sh
	@lab/boot/check

#: make check-deep  the tests that take longer: all devices, with and without the
#:                  user device; a long run of the fuzzer; on kernels that check
#:                  themselves, and of other series, and on arm64; the patches as a
#:                  series, other architectures, more of the model, planted bugs,
#:                  published bugs of device models, attempts to leave a process, a guest
#:                  with each model, QEMU's qtests and fuzzers
check-deep: modules qemu selftests check-series check-builds cross arm64 mutate selinux apparmor
	@DEEP=1 lab/model/model.sh
	@lab/check/check-docs.sh 6.12
	@lab/check/check-queue.sh
	@lab/parity/parity
	@lab/guests/guests
	@lab/containment/containment.sh
	@lab/containment/attempts/attempts.sh
	@lab/containment/calls
	@lab/check/fuzz-qemu.sh
	@lab/check/fuzz-guest.sh
	@SANITIZE=1 lab/check/check-qemu
	@DEBUG=1 lab/build/kernel.sh
	@DEBUG=kcsan lab/build/kernel.sh
	@KERNEL=7.3 lab/build/kernel.sh
	@KERNEL=7.3 DEBUG=1 lab/build/kernel.sh
	@lab/check/check-tool.sh --deep
	@lab/boot/check --deep

#: make model       the life of requests as a model, checked by spin; DEEP=1 for
#:                  more scenarios
model: setup
	@lab/model/model.sh

#: make kunit       the KUnit tests, in a small kernel of their own
kunit: setup qemu
	@lab/check/kunit.sh

#: make mutate      plant bugs in the component, one by one: a test sees each of them,
#:                  Documentation/devuser/rules.md; MUTATIONS=R5 for those of a rule, or
#:                  with a word in text, file or test; what was seen is not run again
mutate: modules qemu selftests $(if $(MUTATIONS),,model kunit)
	@lab/check/mutate

#: make series      the patches as they would be sent; KERNEL=7.3 (the default)
#:                  or 6.12
series: setup
	@lab/package/series.sh $(or $(KERNEL),7.3)

#: make check-series
#:                  do they apply, and are checkpatch and get_maintainer content
check-series: setup
	@lab/check/check-series.sh 6.12 7.3

#: make check-builds
#:                  KVM compiles after each patch of the series, with the user device
#:                  built in, in modules, and off; and its headers
check-builds: setup
	@lab/check/check-builds.sh $(or $(KERNEL),6.12)

#: make check-docs  make htmldocs of the page, and coccicheck, in the 6.12 series
check-docs: setup
	@lab/check/check-docs.sh 6.12

#: make check-qemu  QEMU's qtests of PCI devices, with the devices in other processes;
#:                  QTESTS=name for one; SANITIZE=1 for all processes under ASan
#:                  and UBSan
check-qemu: qemu
	@$(if $(filter 1,$(SANITIZE)),lab/build/qemu.sh sanitize,:)
	@lab/check/check-qemu

#: make check-queue each patch for QEMU builds, each topic passes its qtests; each defect
#:                  that they end is seen when it is put back
check-queue: setup
	@lab/check/check-queue.sh

#: make parity      each PCI device model in a process of its own looks to a guest as it
#:                  does in QEMU: Documentation/devuser/parity.md; MODELS=virtio for some
parity: qemu
	@lab/parity/parity $(MODELS)

#: make guests      a stock Linux guest uses device models in processes with its own
#:                  drivers: Documentation/devuser/guests.md; GUESTS="nvme e1000" for some;
#:                  USER_DEVICE=off for the detour by way of QEMU
guests: modules qemu
	@lab/guests/guests $(GUESTS)

#: make containment published bugs of device models, put back: QEMU survives them if
#:                  the device is remote, Documentation/devuser/containment.md;
#:                  BUGS=pcnet for those with a word in CVE or model
containment: modules qemu
	@lab/containment/containment.sh $(BUGS)

#: make attempts    what a device model attempts whose process is taken over, in L1:
#:                  Documentation/devuser/attempts.md; ATTEMPTS=fill for those with a
#:                  word in their name
attempts: modules qemu
	@lab/containment/attempts/attempts.sh $(ATTEMPTS)

#: make calls       what is in the lists of system calls of remote processes, and is used by
#:                  no guest and no qtest; CALLS="disk sound" for what is in these lists
calls: modules qemu
	@lab/containment/calls $(CALLS)

#: make selinux     the SELinux policy for remote processes, linked with Debian's:
#:                  Documentation/devuser/selinux.md
selinux: setup
	@lab/build/selinux.sh

#: make apparmor    the AppArmor profiles for them, compiled:
#:                  Documentation/devuser/apparmor.md
apparmor: setup
	@lab/build/apparmor.sh

#: make fuzz-qemu   libFuzzer on what the processes say to each other, with ASan and
#:                  UBSan; RUNS=1000000 for each target; and bugs that it has to find
fuzz-qemu: setup
	@lab/check/fuzz-qemu.sh

#: make fuzz-guest  QEMU's generic fuzzer as a guest of devices in processes, with
#:                  ASan and UBSan; RUNS=1000000 for each of five models
fuzz-guest: setup
	@lab/check/fuzz-guest.sh

#: make tool        kvm-devuser, the operator's tool
tool: setup
	@lab/build/tool.sh

#: make check-tool  its tests: by themselves, with sanitizers and valgrind, and in L1;
#:                  and that all who name the keys of fdinfo name the same
check-tool: modules qemu
	@lab/check/check-tool.sh

#: make check-tool-deep
#:                  on other kernels: 7.3, and one that tells of failures; planted bugs
check-tool-deep: modules qemu
	@KERNEL=7.3 lab/build/kernel.sh
	@lab/check/check-tool.sh --deep

#: make tool-deb    a Debian package of it
tool-deb: setup
	@lab/package/tool-deb.sh

#: make dkms-deb    a Debian package that rebuilds the stock kernel's KVM with DKMS
dkms-deb: setup
	@lab/package/dkms-deb.sh

#: make check-dkms  install that package, run the selftests on it in L1, remove it;
#:                  needs root
check-dkms: setup qemu selftests
	@lab/check/check-dkms.sh

#: make deb         a Debian package of the patched QEMU
deb: setup
	@lab/package/deb.sh

#: make security-deb  a Debian package of the SELinux policy, the AppArmor profiles and
#:                  the launcher
security-deb: setup
	@lab/package/security-deb.sh

#: make cross       compile the component for arm64 and riscv; s390 must not have it
cross: setup
	@lab/check/cross.sh $(or $(KERNEL),6.12) arm64 riscv s390

#: make fault-matrix
#:                  what faults do in each state of a request:
#:                  Documentation/devuser/fault-matrix.md
fault-matrix: modules qemu selftests
	@lab/boot/fault-matrix

#: make left-in-qemu
#:                  count what QEMU does for a guest whose devices are all remote:
#:                  Documentation/devuser/cpu-emulation.md
left-in-qemu: modules qemu
	@lab/build/fio.sh
	@lab/boot/left-in-qemu

#: make bench       measure what an access costs: Documentation/devuser/benchmarks.md
bench: modules qemu selftests
	@lab/build/qemu.sh plugins
	@lab/build/kernel.sh
	@lab/build/fio.sh
	@lab/build/peers.sh
	@lab/bench/bench
	@lab/bench/readme.py

#: make bench-compare OLD=FOLDER NEW=FOLDER
#:                  two runs of it: every figure that moved by more than 1 %
bench-compare:
	@$(if $(and $(OLD),$(NEW)),lab/bench/compare "$(OLD)" "$(NEW)",echo \
		"bench-compare: give OLD=FOLDER NEW=FOLDER" >&2; exit 2)

#: make style       checkpatch, sparse and W=1 on both kernel series
style: setup
	@lab/check/style.sh

#: make queue-6.12 queue-7.3 queue-optional queue-qemu
#:                  write the commits of build/trees/* back to the patch queues
queue-6.12:
	@lab/package/queue.sh linux-6.12
queue-7.3:
	@lab/package/queue.sh linux-7.3
queue-optional:
	@lab/package/queue.sh optional
queue-qemu:
	@lab/package/queue.sh qemu-10.0

#: make clean       remove everything that was built
clean:
	rm -rf build
