/* SPDX-License-Identifier: GPL-2.0-only */
#if !defined(_TRACE_KVM_DEVUSER_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_KVM_DEVUSER_H

#include <linux/tracepoint.h>

#include "devuser_private.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvm_devuser

/* A request at one of its stages. */
DECLARE_EVENT_CLASS(kvm_devuser_request,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io),

	TP_STRUCT__entry(
		__field(unsigned int,	device)
		__field(u64,		seq)
		__field(u64,		offset)
		__field(u64,		data)
		__field(u32,		rid)
		__field(u32,		cpu)
		__field(u8,		type)
		__field(u8,		len)
	),

	TP_fast_assign(
		__entry->device	= d->id;
		__entry->seq	= io->seq;
		__entry->offset	= io->offset;
		memcpy(&__entry->data, io->data, sizeof(__entry->data));
		__entry->rid	= io->rid;
		__entry->cpu	= io->cpu;
		__entry->type	= io->type;
		__entry->len	= io->len;
	),

	TP_printk("device %u vcpu %u %s rid %u offset 0x%llx len %u data 0x%llx seq 0x%llx",
		  __entry->device, __entry->cpu,
		  __print_symbolic(__entry->type,
				   { KVM_DEV_USER_LOAD, "load" },
				   { KVM_DEV_USER_STORE, "store" }),
		  __entry->rid, __entry->offset, __entry->len, __entry->data,
		  __entry->seq)
);

/* Queued by a vCPU. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_submit,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* Read by the slave. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_send,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* Answered by the slave. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_reply,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* Failed, without the slave's answer. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_abort,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* An access waited longer than the master allows. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_timeout,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* A load served from the shadow image; its seq is 0. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_shadow,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* A store that signalled a doorbell; its seq is 0. */
DEFINE_EVENT(kvm_devuser_request, kvm_devuser_doorbell,
	TP_PROTO(const struct devuser *d, const struct kvm_dev_user_request *io),
	TP_ARGS(d, io)
);

/* The device failed: nothing more comes from its slave. */
TRACE_EVENT(kvm_devuser_fail,
	TP_PROTO(const struct devuser *d, int reason),
	TP_ARGS(d, reason),

	TP_STRUCT__entry(
		__field(unsigned int,	device)
		__field(int,		reason)
	),

	TP_fast_assign(
		__entry->device	= d->id;
		__entry->reason	= reason;
	),

	TP_printk("device %u %s", __entry->device,
		  __print_symbolic(__entry->reason,
				   { KVM_DEV_USER_REASON_NONE, "master closed" },
				   { KVM_DEV_USER_REASON_TIMEOUT, "timeout" },
				   { KVM_DEV_USER_REASON_CLOSED, "slave closed" },
				   { KVM_DEV_USER_REASON_REVOKED, "slave revoked" }))
);

#endif /* _TRACE_KVM_DEVUSER_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH ../../virt/kvm/devuser
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

/* This part must be outside protection */
#include <trace/define_trace.h>
