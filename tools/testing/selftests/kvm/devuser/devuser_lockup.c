// SPDX-License-Identifier: GPL-2.0-only
/*
 * R11 of the user device: while an access is not answered, whatever the VMM does
 * to the same VM ends without waiting for the answer.
 */
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define BOUND_MS	2000
#define SLOT		100
#define SLOT_GPA	(16ull * SZ_1G)
#define GSI		10
#define PIC_PIN		2
#define NEW_RID		7
#define NEW_PORT	0x3000

static struct devuser_vm *dv;
static int eventfd_fd;
static void *slot_mem;

/* --- What the VMM does ----------------------------------------------------- */

static long set_slot(u64 gpa, u64 size, u32 flags)
{
	return devuser_ret(__vm_set_user_memory_region(dv->vm, SLOT, flags, gpa, size, slot_mem));
}

static long slot_add(void)
{
	return set_slot(SLOT_GPA, SZ_2M, 0);
}

static long slot_move(void)
{
	return set_slot(SLOT_GPA + SZ_4M, SZ_2M, 0);
}

static long slot_log(void)
{
	return set_slot(SLOT_GPA + SZ_4M, SZ_2M, KVM_MEM_LOG_DIRTY_PAGES);
}

static long slot_delete(void)
{
	return set_slot(SLOT_GPA + SZ_4M, 0, 0);
}

static long range_set(void)
{
	return __devuser_set_range(dv->master, NEW_RID, 0, SLOT_GPA + SZ_1G, SZ_4K);
}

static long range_move(void)
{
	return __devuser_set_range(dv->master, NEW_RID, 0, SLOT_GPA + SZ_1G + SZ_2M, SZ_4K);
}

static long range_to_ports(void)
{
	return __devuser_set_range(dv->master, NEW_RID, KVM_DEV_USER_RANGE_PIO, NEW_PORT, 16);
}

static long range_remove(void)
{
	return __devuser_remove_range(dv->master, NEW_RID);
}

/* The range that the access was made to. */
static long own_range_move(void)
{
	return __devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, SLOT_GPA + 2ull * SZ_1G,
				   DEVUSER_MMIO_LEN);
}

static long own_range_remove(void)
{
	return __devuser_remove_range(dv->master, DEVUSER_RID_MMIO);
}

static long own_range_set(void)
{
	return __devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA,
				   DEVUSER_MMIO_LEN);
}

static long irqfd(u32 flags)
{
	struct kvm_irqfd irqfd = { .fd = eventfd_fd, .gsi = GSI, .flags = flags };

	return devuser_ioctl(dv->vm->fd, KVM_IRQFD, &irqfd);
}

static long irqfd_assign(void)
{
	return irqfd(0);
}

static long irqfd_deassign(void)
{
	return irqfd(KVM_IRQFD_FLAG_DEASSIGN);
}

static long ioeventfd(u32 flags)
{
	struct kvm_ioeventfd ioeventfd = {
		.fd = eventfd_fd,
		.addr = SLOT_GPA + 3ull * SZ_1G,
		.len = 4,
		.flags = flags,
	};

	return devuser_ioctl(dv->vm->fd, KVM_IOEVENTFD, &ioeventfd);
}

static long ioeventfd_assign(void)
{
	return ioeventfd(0);
}

static long ioeventfd_deassign(void)
{
	return ioeventfd(KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static long coalesced(unsigned long cmd)
{
	struct kvm_coalesced_mmio_zone zone = { .addr = SLOT_GPA + 4ull * SZ_1G, .size = 16 };

	return devuser_ioctl(dv->vm->fd, cmd, &zone);
}

static long coalesced_register(void)
{
	return coalesced(KVM_REGISTER_COALESCED_MMIO);
}

static long coalesced_unregister(void)
{
	return coalesced(KVM_UNREGISTER_COALESCED_MMIO);
}

static long set_gsi_routing(void)
{
	struct kvm_irq_routing *routing = kvm_gsi_routing_create();
	long ret;

	kvm_gsi_routing_irqchip_add(routing, GSI, PIC_PIN);
	ret = devuser_ioctl(dv->vm->fd, KVM_SET_GSI_ROUTING, routing);
	free(routing);
	return ret;
}

static long set_timeout(void)
{
	devuser_set_timeout(dv->master, 1000 * BOUND_MS * MSEC_NS);
	return 0;
}

static long set_eventfd(void)
{
	devuser_set_eventfd(dv->master, eventfd_fd);
	return 0;
}

static long get_status(void)
{
	TEST_ASSERT_EQ(devuser_status(dv->master).vcpus, 1);
	return 0;
}

static long quiet(void)
{
	return __devuser_quiet(dv->master, 0, 10 * MSEC_NS);
}

static long slave_fd(void)
{
	struct kvm_dev_user_slave slave = { .size = sizeof(slave) };

	return devuser_ioctl(dv->master, KVM_DEV_USER_SLAVE_FD, &slave);
}

static long read_fdinfo(void)
{
	char path[64], buf[4096];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dv->master);
	fd = open(path, O_RDONLY);
	TEST_ASSERT(fd >= 0, "Cannot open %s", path);
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	TEST_ASSERT(len > 0, "Cannot read %s", path);
	buf[len] = 0;
	TEST_ASSERT(strstr(buf, "devuser-vcpus:\t1\n"), "Unexpected %s:\n%s", path, buf);
	return 0;
}

static long create_vcpu(void)
{
	int fd = ioctl(dv->vm->fd, KVM_CREATE_VCPU, 3ul);

	if (fd < 0)
		return devuser_ret(fd);
	close(fd);
	return 0;
}

static long create_device(void)
{
	int master = devuser_create(dv->vm);
	int slave = devuser_slave_fd(master, 0);

	devuser_set_range(master, 0, 0, SLOT_GPA + 5ull * SZ_1G, SZ_4K);
	close(slave);
	return close(master);
}

struct op {
	const char *name;
	long (*fn)(void);
	long want;
};

#define OP(fn, want)	{ #fn, fn, want }

/* These VMs have no interrupt controller in the kernel where it has to be asked for. */
#ifdef __x86_64__
#define IRQFD_ASSIGNED	0
#else
#define IRQFD_ASSIGNED	-EAGAIN
#endif

/* In this order: some undo the one before. */
static const struct op ops[] = {
	OP(slot_add, 0), OP(slot_move, 0), OP(slot_log, 0), OP(slot_delete, 0),
	OP(range_set, 0), OP(range_move, 0), OP(range_to_ports, 0), OP(range_remove, 0),
	OP(own_range_move, 0), OP(own_range_remove, 0), OP(own_range_set, 0),
	OP(irqfd_assign, IRQFD_ASSIGNED), OP(irqfd_deassign, 0),
	OP(ioeventfd_assign, 0), OP(ioeventfd_deassign, 0),
	OP(coalesced_register, 0), OP(coalesced_unregister, 0),
	OP(set_gsi_routing, 0),
	OP(set_timeout, 0), OP(set_eventfd, 0), OP(get_status, 0), OP(quiet, -ETIMEDOUT),
	OP(slave_fd, -EBUSY), OP(read_fdinfo, 0),
	OP(create_vcpu, 0), OP(create_device, 0),
};

/* --- How long it takes ----------------------------------------------------- */

struct attempt {
	const struct op *op;
	long ret;
	bool done;
};

static void *attempt_thread(void *arg)
{
	struct attempt *attempt = arg;

	attempt->ret = attempt->op->fn();
	WRITE_ONCE(attempt->done, true);
	return NULL;
}

/*
 * An operation that waits for the answer can hardly be killed before it has it:
 * the emulator dies then, so that the test can end.
 */
static void try_op(const struct op *op)
{
	struct attempt attempt = { .op = op };
	u64 start = devuser_now_ms();
	pthread_t thread;

	TEST_ASSERT(!pthread_create(&thread, NULL, attempt_thread, &attempt),
		    "pthread_create() failed");
	while (!READ_ONCE(attempt.done) && devuser_now_ms() - start < BOUND_MS)
		usleep(200);
	if (!READ_ONCE(attempt.done)) {
		devuser_emul_kill(dv->emul);
		pthread_join(thread, NULL);
		TEST_FAIL("%s waited for the emulator", op->name);
	}
	pthread_join(thread, NULL);
	TEST_ASSERT(attempt.ret == op->want, "%s returned %ld, wanted %ld", op->name, attempt.ret,
		    op->want);
}

static void try_all(void)
{
	struct kvm_dev_user_status before = devuser_status(dv->master), after;
	int i;

	slot_mem = mmap(NULL, SZ_2M, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TEST_ASSERT(slot_mem != MAP_FAILED, "mmap() failed");
	eventfd_fd = eventfd(0, EFD_CLOEXEC);
	TEST_ASSERT(eventfd_fd >= 0, "eventfd() failed");

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		try_op(&ops[i]);
		after = devuser_status(dv->master);
		TEST_ASSERT_EQ(after.state, KVM_DEV_USER_LIVE);
		TEST_ASSERT_EQ(after.pending, before.pending);
		TEST_ASSERT_EQ(after.sent, before.sent);
		TEST_ASSERT_EQ(after.vcpus, 1);
	}
}

static void guest_load(u64 index)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), devuser_pattern(DEVUSER_RID_MMIO, 8, 4));
	GUEST_DONE();
}

/* R11: a load that the slave has read. */
TEST(load)
{
	struct kvm_dev_user_request req;

	dv = devuser_vm_create(1, guest_load);
	devuser_vcpu_start(dv, 0);
	devuser_emul_read(dv->emul, &req, 1);
	try_all();
	devuser_fill(&req, 1);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), 1);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

static void guest_in(u64 index)
{
	GUEST_ASSERT_EQ(guest_in8(DEVUSER_PORT + 8), devuser_pattern(DEVUSER_RID_PIO, 8, 1));
	GUEST_DONE();
}

/* R11: one that nobody reads, of a port. */
TEST(load_pending)
{
	dv = devuser_vm_create(1, guest_in);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 1);
	try_all();
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	devuser_vm_free(dv);
}

#define NR_STORES	(DEVUSER_STORES_MAX + 3)

static void guest_stores(u64 index)
{
	int i;

	for (i = 0; i < NR_STORES; i++)
		guest_write32(DEVUSER_GPA, i);
	GUEST_DONE();
}

/* R11, R5: a store that waits for room. */
TEST(store)
{
	int i;

	dv = devuser_vm_create(1, guest_stores);
	devuser_vcpu_start(dv, 0);
	DEVUSER_WAIT(devuser_status(dv->master).pending == DEVUSER_STORES_MAX + 1);
	try_all();
	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_join(dv, 0);
	DEVUSER_EXPECT(__devuser_quiet(dv->master, 0, 0), 0);
	TEST_ASSERT_EQ(devuser_emul_nr(dv->emul), NR_STORES);
	for (i = 0; i < NR_STORES; i++)
		TEST_ASSERT_EQ(devuser_data(&dv->emul->shared->log[i]), i);
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
