/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_KVM_DEVUSER_H
#define _UAPI_LINUX_KVM_DEVUSER_H

#include <linux/types.h>
#include <linux/kvm.h>

/*
 * The KVM user device (KVM_DEV_TYPE_USER): a process other than the VMM gets
 * a guest's MMIO and port I/O straight from KVM.
 *
 * The VMM creates the device with KVM_CREATE_DEVICE and holds the *master*
 * descriptor that this returns.  KVM_DEV_USER_SLAVE_FD on the master makes the
 * *slave* descriptor, which the VMM passes to the emulating process.  The
 * names are those of docs/devel/multi-process.rst in QEMU, which specifies the
 * device.  See Documentation/virt/kvm/devices/user.rst.
 *
 * KVM_CHECK_EXTENSION(KVM_CAP_DEV_USER) returns the version of this interface,
 * or 0 where there is none.
 *
 * Every ioctl takes a pointer to a structure that begins with its size in
 * bytes, as the caller's header declares it.  Common to all of them:
 *
 *  - ENOTTY: the number is not known here.
 *  - EFAULT: the structure, or an array it points to, cannot be accessed.
 *  - EINVAL: the size is smaller than the structure's first version; an
 *    unknown flag is set; a reserved field is not zero.
 *  - E2BIG: the size is larger than the kernel knows, and what lies beyond is
 *    not zero; or it is larger than a page.
 *
 * An ioctl that fails changes nothing, KVM_DEV_USER_EXCHANGE excepted.
 */

#define KVM_DEVUSER_VERSION		1

/* A device's limits. */
#define KVM_DEVUSER_RANGES_MAX		64	/* ids: 0 to 63 */
#define KVM_DEVUSER_STORES_MAX		256	/* posted stores not yet answered */
#define KVM_DEVUSER_SHADOW_MAX		(1U << 20)	/* bytes of shadow image */
#define KVM_DEVUSER_AREAS_MAX		128	/* areas of the access map */
#define KVM_DEVUSER_SPIN_MAX		10000000	/* nanoseconds */

/* --- The master descriptor ---------------------------------------------- */

/**
 * struct kvm_devuser_slave - argument of KVM_DEV_USER_SLAVE_FD
 * @size: sizeof(struct kvm_devuser_slave)
 * @flags: what becomes of the guest's requests when this slave is closed, by
 *	close(2) or by the death of its last owner.  0: the device fails (see
 *	KVM_DEVUSER_FAILED).  KVM_DEVUSER_SLAVE_HOLD: new requests and those that
 *	the slave had not read are kept for the next slave; those it had read but
 *	not answered are failed (a load reads all ones, a store is gone) or, with
 *	KVM_DEVUSER_SLAVE_REPLAY, are given to the next slave first, in their
 *	order, marked KVM_DEVUSER_REPLAYED.
 *
 * Returns the new slave descriptor, with close-on-exec set.  It holds neither
 * the VM nor the VMM's memory.  A device that had failed works again.
 *
 * Errors: EBUSY when a slave is open already; EINVAL for
 * KVM_DEVUSER_SLAVE_REPLAY without KVM_DEVUSER_SLAVE_HOLD; EMFILE, ENFILE,
 * ENOMEM.
 */
struct kvm_devuser_slave {
	__u32 size;
	__u32 flags;
};

#define KVM_DEVUSER_SLAVE_HOLD		(1U << 0)
#define KVM_DEVUSER_SLAVE_REPLAY	(1U << 1)

/**
 * struct kvm_devuser_pa_range - argument of KVM_DEV_USER_PA_RANGE
 * @size: sizeof(struct kvm_devuser_pa_range)
 * @flags: KVM_DEVUSER_RANGE_PIO for port I/O, 0 for memory
 * @rid: the range's id, below KVM_DEVUSER_RANGES_MAX
 * @reserved: zero
 * @addr: first guest physical address, or first port
 * @len: bytes, or ports; 0 removes the range, @addr and @flags being zero then
 *
 * Sets the range @rid.  A range that exists is moved: there is no moment at
 * which neither the old nor the new place belongs to the device.  Works while
 * the guest runs; a request that has been queued keeps its rid and offset.
 * Only an access that lies wholly inside a range is the device's; others leave
 * KVM_RUN as they would without the device.  So does every access before the
 * first slave has been made.
 *
 * Errors: EEXIST when another range of a user device of this VM overlaps;
 * ENOENT when a range that does not exist is removed; EINVAL for a bad @rid or
 * when @addr + @len overflows or, for ports, exceeds 65536; ENOSPC when the
 * VM's I/O bus is full, of which each GiB or part of it takes one of about a
 * thousand places; ENOMEM.
 */
struct kvm_devuser_pa_range {
	__u32 size;
	__u32 flags;
	__u32 rid;
	__u32 reserved;
	__u64 addr;
	__u64 len;
};

#define KVM_DEVUSER_RANGE_PIO		(1U << 0)

/**
 * struct kvm_devuser_timeout - argument of KVM_DEV_USER_TIMEOUT
 * @size: sizeof(struct kvm_devuser_timeout)
 * @reserved: zero
 * @timeout_ns: how long an access may wait, for a reply or for room in the
 *	queue, in nanoseconds; 0, the initial value, is for ever
 *
 * Holds for accesses that begin after the call.  An access that waits longer
 * fails the device (see KVM_DEVUSER_FAILED).
 */
struct kvm_devuser_timeout {
	__u32 size;
	__u32 reserved;
	__u64 timeout_ns;
};

/**
 * struct kvm_devuser_eventfd - argument of KVM_DEV_USER_EVENTFD
 * @size: sizeof(struct kvm_devuser_eventfd)
 * @fd: an eventfd to be signalled whenever the device fails or its slave is
 *	closed, or -1 for none; it replaces the one set before
 *
 * A device that has already failed, or lost its slave, signals at once.
 * KVM_DEV_USER_STATUS tells what happened.
 *
 * Errors: EBADF when @fd is no open descriptor; EINVAL when it is no eventfd.
 */
struct kvm_devuser_eventfd {
	__u32 size;
	__s32 fd;
};

/* struct kvm_devuser_status.state */
#define KVM_DEVUSER_IDLE	0	/* no slave yet: accesses go to the VMM */
#define KVM_DEVUSER_LIVE	1	/* a slave is open */
#define KVM_DEVUSER_HELD	2	/* slave closed: requests wait for the next */
#define KVM_DEVUSER_FAILED	3	/* loads read all ones, stores are discarded */

/* struct kvm_devuser_status.reason: why the device is HELD or FAILED */
#define KVM_DEVUSER_REASON_NONE		0
#define KVM_DEVUSER_REASON_TIMEOUT	1	/* an access waited too long */
#define KVM_DEVUSER_REASON_CLOSED	2	/* the slave was closed */

/**
 * struct kvm_devuser_status - argument of KVM_DEV_USER_STATUS
 * @size: sizeof(struct kvm_devuser_status)
 * @state: KVM_DEVUSER_IDLE, _LIVE, _HELD or _FAILED
 * @reason: KVM_DEVUSER_REASON_*
 * @pending: requests queued and not yet read by the slave
 * @sent: requests read by the slave and not yet answered
 * @vcpus: vCPUs that have an unfinished access to the device; one that has
 *	been answered is finished by the vCPU's next KVM_RUN
 * @stores: stores accepted since the device was made
 * @loads: loads accepted, those of @shadow_loads not included
 * @shadow_loads: loads served from the shadow image
 * @timeouts: accesses that waited too long
 * @refused: replies refused
 * @discarded: stores discarded because the device had failed, or was failed
 *	before they were answered
 *
 * All but @size is written by the kernel, in the caller's @size at most.
 */
struct kvm_devuser_status {
	__u32 size;
	__u32 state;
	__u32 reason;
	__u32 pending;
	__u32 sent;
	__u32 vcpus;
	__u64 stores;
	__u64 loads;
	__u64 shadow_loads;
	__u64 timeouts;
	__u64 refused;
	__u64 discarded;
};

/**
 * struct kvm_devuser_quiet - argument of KVM_DEV_USER_QUIET
 * @size: sizeof(struct kvm_devuser_quiet)
 * @flags: 0 waits until no request is pending or sent;
 *	KVM_DEVUSER_QUIET_BARRIER waits only for those queued before the call
 * @timeout_ns: the longest wait in nanoseconds, 0 for no limit
 *
 * Errors: EINTR after a signal; ETIMEDOUT.
 */
struct kvm_devuser_quiet {
	__u32 size;
	__u32 flags;
	__u64 timeout_ns;
};

#define KVM_DEVUSER_QUIET_BARRIER	(1U << 0)

/**
 * struct kvm_devuser_abandon - argument of KVM_DEV_USER_ABANDON
 * @size: sizeof(struct kvm_devuser_abandon)
 * @flags: zero
 *
 * Answers every load that waits for the slave with all ones, so that a VMM can
 * reset a vCPU at once: KVM_RUN with immediate_exit finishes the instruction,
 * then the registers may be written.  The slave's reply to such a load is
 * accepted and swallowed.  Stores that have been queued are still delivered;
 * one that waits for room is discarded, unless there is room by then.
 */
struct kvm_devuser_abandon {
	__u32 size;
	__u32 flags;
};

/**
 * struct kvm_devuser_spin - argument of KVM_DEV_USER_SPIN
 * @size: sizeof(struct kvm_devuser_spin)
 * @reserved: zero
 * @vcpu_ns: how long an access that waits for the slave looks for what it waits
 *	for before it sleeps, in nanoseconds
 * @slave_ns: how long read(2) on the slave looks for requests before it sleeps
 *
 * Neither may exceed KVM_DEVUSER_SPIN_MAX; 0, the initial value, sleeps at once.
 * Who looks gives up when another task wants its CPU.  It saves the waking up,
 * and costs the time of a processor.
 *
 * Errors: EINVAL for a time that is too long.
 */
struct kvm_devuser_spin {
	__u32 size;
	__u32 reserved;
	__u64 vcpu_ns;
	__u64 slave_ns;
};

#define KVM_DEV_USER_SLAVE_FD	_IO(KVMIO, 0xd6)
#define KVM_DEV_USER_PA_RANGE	_IO(KVMIO, 0xd7)
#define KVM_DEV_USER_TIMEOUT	_IO(KVMIO, 0xd8)
#define KVM_DEV_USER_EVENTFD	_IO(KVMIO, 0xd9)
#define KVM_DEV_USER_STATUS	_IO(KVMIO, 0xda)
#define KVM_DEV_USER_QUIET	_IO(KVMIO, 0xdb)
#define KVM_DEV_USER_ABANDON	_IO(KVMIO, 0xdc)
#define KVM_DEV_USER_SPIN	_IO(KVMIO, 0xdf)

/*
 * In kvm_run.flags after KVM_RUN returned -EINTR: the vCPU has an unfinished
 * access to a user device.  As after KVM_EXIT_MMIO and KVM_EXIT_IO, its
 * registers are those of an instruction not yet complete, and they may be
 * neither saved nor replaced until KVM_RUN (with immediate_exit, if the guest is
 * not to run on) has returned without this flag.  Each KVM_RUN goes on with the
 * same access; none is issued twice.
 */
#define KVM_RUN_DEV_USER	(1U << 15)

/* --- The slave descriptor ----------------------------------------------- */

/* struct kvm_devuser_request.type */
#define KVM_DEVUSER_LOAD	0
#define KVM_DEVUSER_STORE	1

/* struct kvm_devuser_request.flags */
#define KVM_DEVUSER_REPLAYED	(1U << 0)	/* an earlier slave had read it */

/**
 * struct kvm_devuser_request - an access of the guest, and the reply to it
 * @seq: increases from request to request of a device; never used twice
 * @offset: byte offset in the range at which the access was made
 * @data: a store's bytes, or those of the reply to a load, in the order in
 *	which they lie in the guest's memory; bytes beyond @len, and all bytes of a
 *	load that is read, are zero
 * @rid: the range's id
 * @cpu: the id that KVM_CREATE_VCPU gave the vCPU
 * @type: KVM_DEVUSER_LOAD or KVM_DEVUSER_STORE
 * @len: 1 to 8 bytes, at any alignment
 * @flags: KVM_DEVUSER_REPLAYED
 * @reserved: zero
 *
 * read(2) on the slave fills an array of requests, oldest first, and sleeps
 * (EAGAIN with O_NONBLOCK) while there is none.  It returns 0 once the VM or
 * the master is gone.  Errors: EINVAL when the buffer's size is zero or not a
 * multiple of a request's; EIO once the device has failed; EINTR, EFAULT.
 * After EFAULT no request is lost.
 *
 * write(2) takes an array of replies, in any order.  The reply to a request is
 * the request itself, for a load with @data set; stores are answered as well,
 * and their @data is ignored.  A load is finished when it and every older
 * store of its vCPU have been answered.  Returns the bytes consumed, so that a
 * short count says which reply was refused; when it is the first, the reason:
 * EINVAL when the size is zero or not a multiple, or a load's reply has bytes
 * beyond @len set; ENOENT for a @seq that no slave has read; ESTALE for one
 * that has been answered, or that no longer waits; EBADMSG when another field
 * differs from the request's; EIO once the device has failed; ENODEV once the
 * VM or the master is gone; EFAULT.  What is refused changes nothing.
 *
 * poll(2) reports EPOLLIN while requests are pending, EPOLLOUT always, EPOLLERR
 * once the device has failed, EPOLLHUP once the VM or the master is gone.
 *
 * mmap(2) maps the shadow image, shared.
 */
struct kvm_devuser_request {
	__u64 seq;
	__u64 offset;
	__u8 data[8];
	__u32 rid;
	__u32 cpu;
	__u8 type;
	__u8 len;
	__u16 flags;
	__u32 reserved;
};

/**
 * struct kvm_devuser_shadow_size - argument of KVM_DEV_USER_SHADOW_SIZE
 * @size: sizeof(struct kvm_devuser_shadow_size)
 * @reserved: zero
 * @bytes: bytes of shadow image, 1 to KVM_DEVUSER_SHADOW_MAX
 *
 * Makes the slave's shadow image, all zero, to be mapped with mmap(2) at offset
 * zero.  It lasts as long as the slave.  No load is served from it before
 * KVM_DEV_USER_SHADOW_CTRL.
 *
 * Errors: EEXIST when the slave has one; EINVAL for a bad @bytes; ENOMEM.
 */
struct kvm_devuser_shadow_size {
	__u32 size;
	__u32 reserved;
	__u64 bytes;
};

/**
 * struct kvm_devuser_shadow_area - loads that the shadow image may serve
 * @rid: the range's id; it need not exist yet
 * @access: sizes of loads that are served: the bitwise or of their bytes, 1, 2,
 *	4 and 8; loads whose offset in the range is not a multiple of their size go
 *	to the slave
 * @offset: first byte in the range, a multiple of 8
 * @len: bytes, a multiple of 8, not zero
 * @image: where the area's first byte lies in the shadow image, a multiple of 8
 *
 * Loads from an area must have no side effects.
 */
struct kvm_devuser_shadow_area {
	__u32 rid;
	__u32 access;
	__u64 offset;
	__u64 len;
	__u64 image;
};

/**
 * struct kvm_devuser_shadow_ctrl - argument of KVM_DEV_USER_SHADOW_CTRL
 * @size: sizeof(struct kvm_devuser_shadow_ctrl)
 * @nr_areas: entries of @areas, KVM_DEVUSER_AREAS_MAX at most; 0 for none
 * @areas: address of an array of struct kvm_devuser_shadow_area
 *
 * Replaces the access map as a whole: a load sees the old one or the new one.
 * A load is served from the image only when its vCPU has no unanswered store to
 * the device; otherwise it waits for those first.  A store's reply therefore
 * has to follow the changes that the store made to the image.
 *
 * Errors: ENXIO when the slave has no shadow image; EINVAL for a bad field, for
 * areas of one range that overlap, and for an area that leaves the image;
 * E2BIG for too many areas; ENOMEM.
 */
struct kvm_devuser_shadow_ctrl {
	__u32 size;
	__u32 nr_areas;
	__u64 areas;
};

/**
 * struct kvm_devuser_exchange - argument of KVM_DEV_USER_EXCHANGE
 * @size: sizeof(struct kvm_devuser_exchange)
 * @flags: zero
 * @nr_replies: entries of @replies, or 0
 * @nr_requests: entries that @requests has room for; 0 to read none
 * @replies: address of an array of struct kvm_devuser_request, as for write(2)
 * @requests: address of an array of struct kvm_devuser_request, as for read(2);
 *	it may be that of @replies
 *
 * What write(2) of the replies and then read(2) of requests do, in one system
 * call.  Returns the number of requests read; 0 if none was asked for, or once
 * the VM or the master is gone.
 *
 * @nr_replies and @replies are changed to what has not been taken.  After an
 * error that is the refused reply and those behind it, and no request has been
 * read; or nothing, when the reading failed.  So the same call can be made again
 * after EINTR or EAGAIN.
 *
 * Errors: those of write(2) for the first reply that is left, then those of
 * read(2); EINVAL for a flag.
 */
struct kvm_devuser_exchange {
	__u32 size;
	__u32 flags;
	__u32 nr_replies;
	__u32 nr_requests;
	__u64 replies;
	__u64 requests;
};

#define KVM_DEV_USER_SHADOW_SIZE	_IO(KVMIO, 0xdd)
#define KVM_DEV_USER_SHADOW_CTRL	_IO(KVMIO, 0xde)
#define KVM_DEV_USER_EXCHANGE		_IO(KVMIO, 0xe4)

#endif /* _UAPI_LINUX_KVM_DEVUSER_H */
