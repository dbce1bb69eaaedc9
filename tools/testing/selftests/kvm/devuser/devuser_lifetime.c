// SPDX-License-Identifier: GPL-2.0-only
/*
 * R9 of the user device: the slave does not keep the VM, and each descriptor
 * may be the last one to live.
 */
#include <sys/wait.h>

#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define IMAGE_VALUE	0x1122334455667788ull

/* --- A VMM in a process of its own ----------------------------------------- */

struct vmm {
	pid_t pid;
	struct devuser_emul *emul;
	bool ready;		/* its vCPU waits for a load, behind a store */
};

static void guest_store_load(u64 index)
{
	guest_write32(DEVUSER_GPA, 1);
	guest_read32(DEVUSER_GPA + 4);
	GUEST_DONE();
}

static void __noreturn vmm_main(struct vmm *vmm)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int master;

	vm = vm_create_with_one_vcpu(&vcpu, guest_store_load);
	virt_map(vm, DEVUSER_GPA, DEVUSER_GPA, DEVUSER_PAGES);
	vcpu_args_set(vcpu, 1, 0ul);
	master = devuser_create(vm);
	devuser_emul_attach(vmm->emul, devuser_slave_fd(master, 0));
	devuser_set_range(master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	WRITE_ONCE(vmm->ready, true);
	devuser_vcpu_run_done(vcpu);
	_exit(0);
}

/* The emulator is the test's child, so that it lives on. */
static struct vmm *vmm_start(void)
{
	struct vmm *vmm = mmap(NULL, sizeof(*vmm), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	TEST_ASSERT(vmm != MAP_FAILED, "mmap() failed");
	vmm->emul = devuser_emul_start();
	pid = fork();
	TEST_ASSERT(pid >= 0, "fork() failed");
	if (!pid)
		vmm_main(vmm);
	vmm->pid = pid;
	DEVUSER_WAIT(READ_ONCE(vmm->ready));
	return vmm;
}

static void vmm_kill(struct vmm *vmm)
{
	int status;

	TEST_ASSERT(!kill(vmm->pid, SIGKILL), "kill() failed");
	TEST_ASSERT(waitpid(vmm->pid, &status, 0) == vmm->pid, "waitpid() failed");
	TEST_ASSERT(WIFSIGNALED(status), "The VMM failed, status 0x%x", status);
}

/* In the emulator's process: the image, mapped before and mapped now. */
static long check_image(struct devuser_emul *emul, void *arg)
{
	const u64 *now;

	now = mmap(NULL, SZ_4K, PROT_READ, MAP_SHARED, emul->slave, 0);
	TEST_ASSERT(now != MAP_FAILED, "mmap() of the shadow image failed");
	TEST_ASSERT_EQ(*(u64 *)emul->shadow, IMAGE_VALUE);
	TEST_ASSERT_EQ(now[0], IMAGE_VALUE);
	((u64 *)emul->shadow)[1] = 5;
	TEST_ASSERT_EQ(now[1], 5);
	munmap((void *)now, SZ_4K);
	return 0;
}

static const struct kvm_dev_user_shadow_area one_area = {
	.rid = DEVUSER_RID_MMIO,
	.access = 8,
	.offset = SZ_4K,
	.len = SZ_4K,
};

/* R9: the VM is freed at once, and the slave tells its holder of the end. */
TEST(vmm_killed)
{
	int vms = devuser_nr_vms(), kvm_refs = devuser_module_refs("kvm");
	const u64 value = IMAGE_VALUE;
	struct kvm_dev_user_request reqs[2];
	struct vmm *vmm;

	TEST_REQUIRE(vms >= 0);
	vmm = vmm_start();
	devuser_emul_read(vmm->emul, reqs, 2);
	devuser_emul_shadow(vmm->emul, SZ_4K, &one_area, 1);
	devuser_emul_shadow_set(vmm->emul, 0, &value, sizeof(value));
	TEST_ASSERT_EQ(devuser_nr_vms(), vms + 1);
	TEST_ASSERT_EQ(devuser_emul_poll(vmm->emul), POLLOUT);

	vmm_kill(vmm);
	devuser_wait_vms(vms);
	TEST_ASSERT_EQ(devuser_emul_poll(vmm->emul), POLLIN | POLLOUT | POLLHUP);
	DEVUSER_EXPECT(devuser_emul_read_one(vmm->emul), 0);
	DEVUSER_EXPECT(devuser_emul_write(vmm->emul, reqs, 1), -ENODEV);
	devuser_emul_call(vmm->emul, check_image, NULL, 0);

	/* The module is kept until the slave is closed. */
	if (kvm_refs >= 0)
		TEST_ASSERT_EQ(devuser_module_refs("kvm"), kvm_refs + 1);
	devuser_emul_free(vmm->emul);
	if (kvm_refs >= 0)
		DEVUSER_WAIT(devuser_module_refs("kvm") == kvm_refs);
}

/* R9: a read() that sleeps returns 0 when the VM goes. */
TEST(vmm_killed_while_read)
{
	struct kvm_dev_user_request reqs[2];
	struct vmm *vmm = vmm_start();

	devuser_emul_read(vmm->emul, reqs, 2);
	devuser_emul_call_start(vmm->emul, __devuser_emul_read_one, NULL, 0);
	devuser_sleep_ms(50);
	vmm_kill(vmm);
	DEVUSER_EXPECT(devuser_emul_call_end(vmm->emul, NULL), 0);
	devuser_emul_free(vmm->emul);
}

/* R9: requests that nobody had read end with the VM. */
TEST(vmm_killed_with_pending)
{
	struct vmm *vmm = vmm_start();

	DEVUSER_WAIT(devuser_emul_poll(vmm->emul) & POLLIN);
	vmm_kill(vmm);
	DEVUSER_EXPECT(devuser_emul_read_one(vmm->emul), 0);
	devuser_emul_free(vmm->emul);
}

/* --- The master closed before the VM --------------------------------------- */

#define VMM_VALUE	0x12345678

static u64 loaded[2];

static void guest_load_twice(u64 index)
{
	WRITE_ONCE(loaded[index], guest_read32(DEVUSER_GPA + 4 * index));
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4 * index), VMM_VALUE);
	GUEST_DONE();
}

static void *vmm_thread(void *arg)
{
	struct kvm_vcpu *vcpu = arg;

	/* The second load comes here. */
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_MMIO);
	TEST_ASSERT_EQ(vcpu->run->mmio.phys_addr, DEVUSER_GPA + 4 * vcpu->id);
	TEST_ASSERT(!vcpu->run->mmio.is_write, "That was no load");
	*(u32 *)vcpu->run->mmio.data = VMM_VALUE;
	devuser_vcpu_run_done(vcpu);
	return NULL;
}

/* R9: a load that waits then reads all ones; what comes later is the VMM's. */
TEST(master_closed)
{
	struct devuser_vm *dv = devuser_vm_create(2, guest_load_twice);
	struct kvm_dev_user_request req;
	u64 start;
	int i;

	for (i = 0; i < 2; i++)
		TEST_ASSERT(!pthread_create(&dv->threads[i], NULL, vmm_thread, dv->vcpus[i]),
			    "pthread_create() failed");
	devuser_emul_read(dv->emul, &req, 1);
	DEVUSER_WAIT(devuser_status(dv->master).pending == 1);

	start = devuser_now_ms();
	close(dv->master);
	TEST_ASSERT(devuser_now_ms() - start < DEVUSER_SOON_MS, "close() took %lu ms",
		    devuser_now_ms() - start);
	for (i = 0; i < 2; i++) {
		devuser_vcpu_join(dv, i);
		TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded[i]), ~0u);
	}
	DEVUSER_EXPECT(devuser_emul_read_one(dv->emul), 0);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ENODEV);
	TEST_ASSERT_EQ(devuser_emul_poll(dv->emul), POLLIN | POLLOUT | POLLHUP);

	/* A new device may have the same place. */
	dv->master = devuser_create(dv->vm);
	devuser_set_range(dv->master, DEVUSER_RID_MMIO, 0, DEVUSER_GPA, DEVUSER_MMIO_LEN);
	devuser_vm_free(dv);
}

/* R9: the same with the access interrupted, and the vCPU outside of KVM_RUN. */
TEST(master_closed_outside)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load_twice);

	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 20);
	close(dv->master);
	vmm_thread(dv->vcpus[0]);
	TEST_ASSERT_EQ(*DEVUSER_GUEST_VAR(dv->vm, loaded[0]), ~0u);
	dv->master = devuser_create(dv->vm);
	devuser_vm_free(dv);
}

/* --- A vCPU closed with an access ------------------------------------------ */

static void guest_load(u64 index)
{
	GUEST_ASSERT_EQ(guest_read32(DEVUSER_GPA + 4 * index),
			devuser_pattern(DEVUSER_RID_MMIO, 4 * index, 4));
	GUEST_DONE();
}

/* R9: the reply finds the scoreboard, whatever became of the vCPU's descriptor. */
TEST(vcpu_closed)
{
	int vms = devuser_nr_vms();
	struct devuser_vm *dv = devuser_vm_create(2, guest_load);
	struct kvm_dev_user_request req;

	TEST_REQUIRE(vms >= 0);
	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 20);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_close_vcpu(dv->vcpus[0]);
	devuser_emul_answer(dv->emul, &req, 1);

	devuser_emul_serve(dv->emul, devuser_serve);
	devuser_vcpu_run_done(dv->vcpus[1]);
	devuser_vm_free(dv);
	devuser_wait_vms(vms);
}

/* R9: the access itself ends with the VM, while the slave lives on. */
TEST(vcpu_closed_unanswered)
{
	int vms = devuser_nr_vms();
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct kvm_dev_user_request req;

	TEST_REQUIRE(vms >= 0);
	devuser_catch_signals();
	devuser_run_unfinished(dv->vcpus[0], 20);
	devuser_emul_read(dv->emul, &req, 1);
	devuser_close_vcpu(dv->vcpus[0]);
	kvm_vm_free(dv->vm);
	close(dv->master);
	devuser_wait_vms(vms);
	DEVUSER_EXPECT(devuser_emul_write(dv->emul, &req, 1), -ENODEV);
	DEVUSER_EXPECT(devuser_emul_read_one(dv->emul), 0);
	devuser_emul_free(dv->emul);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
