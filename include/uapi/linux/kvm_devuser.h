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
 * or 0 where there is none.  KVM_DEV_USER_INFO, which both descriptors know and
 * no other device does, returns it as well, and the limits of the kernel at hand.
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

#define KVM_DEV_USER_VERSION		1

/* --- Both descriptors ---------------------------------------------------- */

/**
 * struct kvm_dev_user_info - argument of KVM_DEV_USER_INFO
 * @size: sizeof(struct kvm_dev_user_info)
 * @version: of the interface; KVM_DEV_USER_VERSION is that of this header
 * @ranges: ranges of a device; their ids are below it
 * @stores: requests for posted stores of a device that are not yet answered
 * @areas: areas of an access map
 * @doorbells: doorbells of a slave
 * @shadow_bytes: bytes of a shadow image
 * @spin_ns: the longest time that KVM_DEV_USER_SPIN accepts, in nanoseconds
 *
 * All but @size is written by the kernel, in the caller's @size at most: the
 * largest that each may be.
 */
struct kvm_dev_user_info {
	__u32 size;
	__u32 version;
	__u32 ranges;
	__u32 stores;
	__u32 areas;
	__u32 doorbells;
	__u64 shadow_bytes;
	__u64 spin_ns;
};

#define KVM_DEV_USER_INFO	_IO(KVMIO, 0xe5)

/* --- The master descriptor ---------------------------------------------- */

/**
 * struct kvm_dev_user_slave - argument of KVM_DEV_USER_SLAVE_FD
 * @size: sizeof(struct kvm_dev_user_slave)
 * @flags: what becomes of the guest's requests when this slave is closed, by
 *	close(2) or by the death of its last owner, or revoked.  0: the device fails (see
 *	KVM_DEV_USER_FAILED).  KVM_DEV_USER_SLAVE_HOLD: new requests and those that
 *	the slave had not read are kept for the next slave; those it had read but
 *	not answered are failed (a load reads all ones, a store is gone) or, with
 *	KVM_DEV_USER_SLAVE_REPLAY, are given to the next slave first, in their
 *	order, marked KVM_DEV_USER_REPLAYED.
 *
 * Returns the new slave descriptor, with close-on-exec set.  It holds neither
 * the VM nor the VMM's memory.  A device that had failed works again.
 *
 * Errors: EBUSY when a slave is open already (see KVM_DEV_USER_REVOKE); EINVAL
 * for KVM_DEV_USER_SLAVE_REPLAY without KVM_DEV_USER_SLAVE_HOLD; EMFILE, ENFILE,
 * ENOMEM.
 */
struct kvm_dev_user_slave {
	__u32 size;
	__u32 flags;
};

#define KVM_DEV_USER_SLAVE_HOLD		(1U << 0)
#define KVM_DEV_USER_SLAVE_REPLAY	(1U << 1)

/**
 * struct kvm_dev_user_revoke - argument of KVM_DEV_USER_REVOKE
 * @size: sizeof(struct kvm_dev_user_revoke)
 * @flags: zero
 *
 * Cuts the slave off, wherever its descriptor is, as if it had been closed: what
 * becomes of the guest's requests is what its flags say.  From then on read(2)
 * on it returns 0, write(2) and what would change something fail with ENODEV,
 * poll(2) reports EPOLLHUP, and neither its shadow image nor its doorbells serve
 * the guest.  When the call returns a new slave can be made.
 *
 * Errors: ENOENT when no slave is open.
 */
struct kvm_dev_user_revoke {
	__u32 size;
	__u32 flags;
};

/**
 * struct kvm_dev_user_pa_range - argument of KVM_DEV_USER_PA_RANGE
 * @size: sizeof(struct kvm_dev_user_pa_range)
 * @flags: KVM_DEV_USER_RANGE_PIO for port I/O, 0 for memory;
 *	KVM_DEV_USER_RANGE_NONPOSTED for a range whose stores wait for their reply,
 *	as those to PCI's I/O space do
 * @rid: the range's id, below &struct kvm_dev_user_info.ranges
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
struct kvm_dev_user_pa_range {
	__u32 size;
	__u32 flags;
	__u32 rid;
	__u32 reserved;
	__u64 addr;
	__u64 len;
};

#define KVM_DEV_USER_RANGE_PIO		(1U << 0)
#define KVM_DEV_USER_RANGE_NONPOSTED	(1U << 1)

/**
 * struct kvm_dev_user_timeout - argument of KVM_DEV_USER_TIMEOUT
 * @size: sizeof(struct kvm_dev_user_timeout)
 * @reserved: zero
 * @timeout_ns: how long the oldest request may stay unanswered while a vCPU
 *	waits, in nanoseconds; 0, the initial value, is for ever
 * @busy_ns: for how long a slave that says that it is busy (see
 *	KVM_DEV_USER_BUSY) is believed, in nanoseconds; 0, the initial value: not at all
 *
 * Holds for accesses that begin after the call.  A vCPU that has waited for so
 * long, and sees the same request oldest as when it began, fails the device (see
 * KVM_DEV_USER_FAILED); otherwise it begins to count anew.  So a device that has
 * stopped fails after one to two times @timeout_ns, and one that goes on answering
 * does not, whatever the length of its queue.
 *
 * A slave that has said meanwhile that it is busy gets the time anew as well, until
 * the vCPU has seen the same request oldest for @busy_ns.  So it fails after
 * @busy_ns and two times @timeout_ns at most.
 */
struct kvm_dev_user_timeout {
	__u32 size;
	__u32 reserved;
	__u64 timeout_ns;
	__u64 busy_ns;
};

/**
 * struct kvm_dev_user_eventfd - argument of KVM_DEV_USER_EVENTFD
 * @size: sizeof(struct kvm_dev_user_eventfd)
 * @fd: an eventfd to be signalled whenever the device fails or its slave is
 *	closed or revoked, or -1 for none; it replaces the one set before
 *
 * A device that has already failed, or lost its slave, signals at once.
 * KVM_DEV_USER_STATUS tells what happened.
 *
 * Errors: EBADF when @fd is no open descriptor; EINVAL when it is no eventfd.
 */
struct kvm_dev_user_eventfd {
	__u32 size;
	__s32 fd;
};

/* struct kvm_dev_user_status.state */
#define KVM_DEV_USER_IDLE	0	/* no slave yet: accesses go to the VMM */
#define KVM_DEV_USER_LIVE	1	/* a slave is open */
#define KVM_DEV_USER_HELD	2	/* slave lost: requests wait for the next */
#define KVM_DEV_USER_FAILED	3	/* loads read all ones, stores are discarded */

/* struct kvm_dev_user_status.reason: why the device is HELD or FAILED */
#define KVM_DEV_USER_REASON_NONE		0
#define KVM_DEV_USER_REASON_TIMEOUT	1	/* an access waited too long */
#define KVM_DEV_USER_REASON_CLOSED	2	/* the slave was closed */
#define KVM_DEV_USER_REASON_REVOKED	3	/* the slave was revoked */

/**
 * struct kvm_dev_user_status - argument of KVM_DEV_USER_STATUS
 * @size: sizeof(struct kvm_dev_user_status)
 * @state: KVM_DEV_USER_IDLE, _LIVE, _HELD or _FAILED
 * @reason: KVM_DEV_USER_REASON_*
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
 * @doorbells: stores that signalled a doorbell; they are not among @stores
 * @busy: times that slaves have said that they are busy
 *
 * All but @size is written by the kernel, in the caller's @size at most.
 */
struct kvm_dev_user_status {
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
	__u64 doorbells;
	__u64 busy;
};

/**
 * struct kvm_dev_user_quiet - argument of KVM_DEV_USER_QUIET
 * @size: sizeof(struct kvm_dev_user_quiet)
 * @flags: 0 waits until no request is pending or sent;
 *	KVM_DEV_USER_QUIET_BARRIER waits only for those queued before the call
 * @timeout_ns: the longest wait in nanoseconds, 0 for no limit
 *
 * Errors: EINTR after a signal; ETIMEDOUT.
 */
struct kvm_dev_user_quiet {
	__u32 size;
	__u32 flags;
	__u64 timeout_ns;
};

#define KVM_DEV_USER_QUIET_BARRIER	(1U << 0)

/**
 * struct kvm_dev_user_abandon - argument of KVM_DEV_USER_ABANDON
 * @size: sizeof(struct kvm_dev_user_abandon)
 * @flags: zero
 *
 * Answers every load that waits for the slave with all ones, so that a VMM can
 * reset a vCPU at once: KVM_RUN with immediate_exit finishes the instruction,
 * then the registers may be written.  The slave's reply to such a load is
 * accepted and swallowed.  Stores that have been queued are still delivered;
 * one that waits for room is discarded, unless there is room by then.
 */
struct kvm_dev_user_abandon {
	__u32 size;
	__u32 flags;
};

/**
 * struct kvm_dev_user_spin - argument of KVM_DEV_USER_SPIN
 * @size: sizeof(struct kvm_dev_user_spin)
 * @reserved: zero
 * @vcpu_ns: how long an access that waits for the slave looks for what it waits
 *	for before it sleeps, in nanoseconds
 * @slave_ns: how long read(2) on the slave looks for requests before it sleeps
 *
 * Neither may exceed &struct kvm_dev_user_info.spin_ns; 0, the initial value, sleeps
 * at once.
 * Who looks gives up when another task wants its CPU.  It saves the waking up,
 * and costs the time of a processor.
 *
 * Errors: EINVAL for a time that is too long.
 */
struct kvm_dev_user_spin {
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
#define KVM_DEV_USER_REVOKE	_IO(KVMIO, 0xe6)

/* --- The slave descriptor ----------------------------------------------- */

/* struct kvm_dev_user_request.type */
#define KVM_DEV_USER_LOAD	0
#define KVM_DEV_USER_STORE	1

/* struct kvm_dev_user_request.flags */
#define KVM_DEV_USER_REPLAYED	(1U << 0)	/* an earlier slave had read it */

/**
 * struct kvm_dev_user_request - an access of the guest, and the reply to it
 * @seq: increases from request to request of a device; never used twice
 * @offset: byte offset in the range at which the access was made
 * @data: a store's bytes, or those of the reply to a load, in the order in
 *	which they lie in the guest's memory; bytes beyond @len, and all bytes of a
 *	load that is read, are zero
 * @rid: the range's id
 * @cpu: the id that KVM_CREATE_VCPU gave the vCPU
 * @type: KVM_DEV_USER_LOAD or KVM_DEV_USER_STORE
 * @len: 1 to 8 bytes, at any alignment
 * @flags: KVM_DEV_USER_REPLAYED
 * @reserved: zero
 *
 * read(2) on the slave fills an array of requests, oldest first, and sleeps
 * (EAGAIN with O_NONBLOCK) while there is none.  It returns 0 once the VM or
 * the master is gone, or the slave was revoked.  Errors: EINVAL when the buffer's
 * size is zero or not a multiple of a request's; EIO once the device has failed;
 * EINTR, EFAULT.  After EFAULT no request is lost.
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
 * VM or the master is gone, or the slave was revoked; EFAULT.  What is refused
 * changes nothing.
 *
 * readv(2), writev(2), splice(2) and io_uring do the same: it is the sum of the
 * buffers that has to be a multiple.
 *
 * poll(2) reports EPOLLIN while requests are pending, EPOLLOUT always, EPOLLERR
 * once the device has failed, EPOLLHUP once the VM or the master is gone or the
 * slave was revoked.  A slave serves a bounded number of waits at a time, more
 * than a program needs; those beyond it get EPOLLERR at once.
 *
 * mmap(2) maps the shadow image, shared.
 */
struct kvm_dev_user_request {
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
 * struct kvm_dev_user_shadow_size - argument of KVM_DEV_USER_SHADOW_SIZE
 * @size: sizeof(struct kvm_dev_user_shadow_size)
 * @reserved: zero
 * @bytes: bytes of shadow image, 1 to &struct kvm_dev_user_info.shadow_bytes
 *
 * Makes the slave's shadow image, all zero, to be mapped with mmap(2) at offset
 * zero.  It lasts as long as the slave.  No load is served from it before
 * KVM_DEV_USER_SHADOW_CTRL.
 *
 * Errors: EEXIST when the slave has one; EINVAL for a bad @bytes; ENODEV once the
 * slave was revoked; ENOMEM.
 */
struct kvm_dev_user_shadow_size {
	__u32 size;
	__u32 reserved;
	__u64 bytes;
};

/**
 * struct kvm_dev_user_shadow_area - loads that the shadow image may serve
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
struct kvm_dev_user_shadow_area {
	__u32 rid;
	__u32 access;
	__u64 offset;
	__u64 len;
	__u64 image;
};

/**
 * struct kvm_dev_user_shadow_ctrl - argument of KVM_DEV_USER_SHADOW_CTRL
 * @size: sizeof(struct kvm_dev_user_shadow_ctrl)
 * @nr_areas: entries of @areas, &struct kvm_dev_user_info.areas at most; 0 for none
 * @areas: address of an array of struct kvm_dev_user_shadow_area
 *
 * Replaces the access map as a whole: a load sees the old one or the new one.
 * A load is served from the image only when its vCPU has no unanswered store to
 * the device; otherwise it waits for those first.  A store's reply therefore
 * has to follow the changes that the store made to the image.
 *
 * Errors: ENXIO when the slave has no shadow image; EINVAL for a bad field, for
 * areas of one range that overlap, and for an area that leaves the image;
 * E2BIG for too many areas; ENODEV once the slave was revoked; ENOMEM.
 */
struct kvm_dev_user_shadow_ctrl {
	__u32 size;
	__u32 nr_areas;
	__u64 areas;
};

/**
 * struct kvm_dev_user_doorbell - a store that only signals an eventfd
 * @rid: the range's id; it need not exist yet
 * @flags: KVM_DEV_USER_DOORBELL_VALUE, or 0 for a store of any value
 * @offset: byte offset in the range at which the store is made
 * @value: the value, in the guest's byte order as a number, below 2 to the power
 *	of 8 * @len; zero without the flag
 * @len: the store's bytes: 1, 2, 4 or 8
 * @fd: the eventfd
 */
struct kvm_dev_user_doorbell {
	__u32 rid;
	__u32 flags;
	__u64 offset;
	__u64 value;
	__u32 len;
	__s32 fd;
};

#define KVM_DEV_USER_DOORBELL_VALUE	(1U << 0)

/**
 * struct kvm_dev_user_doorbells - argument of KVM_DEV_USER_DOORBELLS
 * @size: sizeof(struct kvm_dev_user_doorbells)
 * @nr_doorbells: entries of @doorbells, &struct kvm_dev_user_info.doorbells at
 *	most; 0 for none
 * @doorbells: address of an array of struct kvm_dev_user_doorbell
 *
 * Replaces the slave's doorbells as a whole.  A store that matches one adds 1 to
 * the eventfd and is done: there is no request.  It overtakes nothing, though: while
 * its vCPU has an unanswered store to the device it becomes a request like any
 * other, which the process carries out as it would the signal.
 *
 * Errors: EINVAL for a bad field, and for two doorbells that match the same store;
 * EBADF when @fd is no open descriptor, EINVAL when it is no eventfd; E2BIG for
 * too many doorbells; ENODEV once the slave was revoked; ENOMEM.
 */
struct kvm_dev_user_doorbells {
	__u32 size;
	__u32 nr_doorbells;
	__u64 doorbells;
};

/**
 * struct kvm_dev_user_exchange - argument of KVM_DEV_USER_EXCHANGE
 * @size: sizeof(struct kvm_dev_user_exchange)
 * @flags: zero
 * @nr_replies: entries of @replies, or 0
 * @nr_requests: entries that @requests has room for; 0 to read none
 * @replies: address of an array of struct kvm_dev_user_request, as for write(2)
 * @requests: address of an array of struct kvm_dev_user_request, as for read(2);
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
struct kvm_dev_user_exchange {
	__u32 size;
	__u32 flags;
	__u32 nr_replies;
	__u32 nr_requests;
	__u64 replies;
	__u64 requests;
};

/**
 * struct kvm_dev_user_busy - argument of KVM_DEV_USER_BUSY
 * @size: sizeof(struct kvm_dev_user_busy)
 * @flags: zero
 *
 * Says that the slave works on what it has read, and that this takes long: a device
 * that waits for I/O while it is reset, for example.  The time-out of those that
 * wait begins anew, within the limit that the master has set (see &struct
 * kvm_dev_user_timeout.busy_ns).  To be said more often than the time-out is long.
 *
 * Errors: EIO once the device has failed; ENODEV once the VM or the master is
 * gone, or the slave was revoked.
 */
struct kvm_dev_user_busy {
	__u32 size;
	__u32 flags;
};

#define KVM_DEV_USER_SHADOW_SIZE	_IO(KVMIO, 0xdd)
#define KVM_DEV_USER_SHADOW_CTRL	_IO(KVMIO, 0xde)
#define KVM_DEV_USER_EXCHANGE		_IO(KVMIO, 0xe4)
#define KVM_DEV_USER_DOORBELLS		_IO(KVMIO, 0xe7)
#define KVM_DEV_USER_BUSY		_IO(KVMIO, 0xe8)

#endif /* _UAPI_LINUX_KVM_DEVUSER_H */
