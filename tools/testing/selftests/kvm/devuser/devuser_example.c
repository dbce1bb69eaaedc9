// SPDX-License-Identifier: GPL-2.0-only
/*
 * The example of Documentation/virt/kvm/devices/user.rst, and its test.
 */

/* The emulator, as the document shows it, begins here. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm_devuser.h>

/*
 * A device with one range: 256 bytes of memory, and behind them a 32-bit
 * register that counts how often it was loaded.
 */
#define EXAMPLE_MEMORY	256
#define EXAMPLE_COUNTER	EXAMPLE_MEMORY

/* The memory is the shadow image: KVM serves loads from it. */
static __u8 *example_setup(int slave, __u32 rid)
{
	struct kvm_dev_user_shadow_area area = {
		.rid = rid, .access = 1 | 2 | 4 | 8, .len = EXAMPLE_MEMORY,
	};
	struct kvm_dev_user_shadow_size size = {
		.size = sizeof(size), .bytes = EXAMPLE_MEMORY,
	};
	struct kvm_dev_user_shadow_ctrl ctrl = {
		.size = sizeof(ctrl), .nr_areas = 1, .areas = (uintptr_t)&area,
	};
	void *image;

	if (ioctl(slave, KVM_DEV_USER_SHADOW_SIZE, &size))
		return NULL;
	image = mmap(NULL, EXAMPLE_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, slave, 0);
	if (image == MAP_FAILED || ioctl(slave, KVM_DEV_USER_SHADOW_CTRL, &ctrl))
		return NULL;
	return image;
}

/* Turns a request into its reply. */
static void example_serve(__u8 *memory, struct kvm_dev_user_request *req)
{
	static __u32 counter;

	if (req->offset == EXAMPLE_COUNTER && req->type == KVM_DEV_USER_LOAD && req->len == 4) {
		counter++;
		memcpy(req->data, &counter, sizeof(counter));
	} else if (req->offset > EXAMPLE_MEMORY || req->len > EXAMPLE_MEMORY - req->offset) {
		memset(req->data, 0, req->len);
	} else if (req->type == KVM_DEV_USER_STORE) {
		memcpy(memory + req->offset, req->data, req->len);
	} else {	/* not naturally aligned, or KVM would have served it */
		memcpy(req->data, memory + req->offset, req->len);
	}
}

/* Returns 0 once the VM is gone, -1 with errno set after a failure. */
static int example_run(int slave, __u32 rid)
{
	__u8 *memory = example_setup(slave, rid);
	struct kvm_dev_user_request reqs[32];
	ssize_t i, got;

	if (!memory)
		return -1;

	while ((got = read(slave, reqs, sizeof(reqs)))) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		for (i = 0; i < got / (ssize_t)sizeof(reqs[0]); i++)
			example_serve(memory, &reqs[i]);
		/* ENODEV: the VM is gone, as read() will say. */
		if (write(slave, reqs, got) < 0 && errno != ENODEV)
			return -1;
	}
	return 0;
}

/* The emulator ends here. */

#include "devuser_util.h"
#include "kvm_test_harness.h"

#define GUEST_COUNTER	(DEVUSER_GPA + EXAMPLE_COUNTER)
#define GUEST_END	(DEVUSER_GPA + EXAMPLE_MEMORY)

static void guest_memory(u64 index)
{
	/* Once this is answered, the shadow image is in place. */
	GUEST_ASSERT_EQ(guest_read32(GUEST_COUNTER), 1);

	guest_write32(DEVUSER_GPA + 8, 0x44332211);
	guest_write8(DEVUSER_GPA + 12, 0x55);
	GUEST_ASSERT_EQ(guest_read64(DEVUSER_GPA + 8), 0x5544332211);
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 8), 0x44332211);
	GUEST_ASSERT_EQ(guest_read16(DEVUSER_GPA + 10), 0x4433);
	GUEST_ASSERT_EQ(guest_read8(DEVUSER_GPA + 12), 0x55);
	GUEST_DONE();
}

static void guest_process(u64 index)
{
	GUEST_ASSERT_EQ(guest_read32(GUEST_COUNTER), 1);
	GUEST_ASSERT_EQ(guest_read32(GUEST_COUNTER), 2);
	GUEST_ASSERT_EQ(guest_read16(GUEST_COUNTER), 0);

	/* What is not aligned is the process's, what leaves the memory nobody's. */
	guest_write64(GUEST_END - 8, 0x8877665544332211);
	guest_write32(GUEST_END - 2, 0);
	GUEST_ASSERT_EQ(guest_read32(GUEST_END - 7), 0x55443322);
	GUEST_ASSERT_EQ(guest_read64(GUEST_END - 7), 0);
	GUEST_DONE();
}

static long run_example(struct devuser_emul *emul, void *arg)
{
	return example_run(emul->slave, DEVUSER_RID_MMIO) ? -errno : 0;
}

/* Runs the guest to its end, and the emulator to its own, which is the VM's. */
static struct kvm_dev_user_status run_guest(void *guest_code)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_code);
	struct kvm_dev_user_status status;

	devuser_emul_call_start(dv->emul, run_example, NULL, 0);
	devuser_vcpu_run_done(dv->vcpus[0]);
	status = devuser_status(dv->master);

	kvm_vm_free(dv->vm);
	close(dv->master);
	DEVUSER_EXPECT(devuser_emul_call_end(dv->emul, NULL), 0);
	devuser_emul_free(dv->emul);
	free(dv);
	return status;
}

TEST(memory_is_in_the_shadow_image)
{
	struct kvm_dev_user_status status = run_guest(guest_memory);

	TEST_ASSERT_EQ(status.stores, 2);
	TEST_ASSERT_EQ(status.loads, 1);
	TEST_ASSERT_EQ(status.shadow_loads, 4);
	TEST_ASSERT_EQ(status.refused, 0);
}

TEST(process_answers_the_rest)
{
	struct kvm_dev_user_status status = run_guest(guest_process);

	TEST_ASSERT_EQ(status.stores, 2);
	TEST_ASSERT_EQ(status.loads, 5);
	TEST_ASSERT_EQ(status.shadow_loads, 0);
	TEST_ASSERT_EQ(status.refused, 0);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
