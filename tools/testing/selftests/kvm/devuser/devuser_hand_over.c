// SPDX-License-Identifier: GPL-2.0-only
/*
 * On a busy machine the slave's reader runs on the CPU of a vCPU that waits for it,
 * in its turn, and not where it was last, behind others.
 */
#include <pthread.h>
#include <sched.h>
#include "devuser_probe.h"
#include "kvm_test_harness.h"

#define NR_LOADS	50

/* The vCPU has the first; the emulator sleeps on the other, and may run on both. */
enum { VCPU, EMULATOR, NR_CPUS_USED };

/* What is loaded is the CPU that the emulator has been woken up on. */
static void serve_cpu(struct devuser_emul *emul, struct kvm_dev_user_request *reqs, int nr)
{
	u32 cpu = sched_getcpu();
	int i;

	for (i = 0; i < nr; i++)
		memcpy(reqs[i].data, &cpu, sizeof(cpu));
	DEVUSER_EXPECT(devuser_write(emul->slave, reqs, nr), nr);
	devuser_pin(pthread_self(), EMULATOR);
	devuser_pin_between(pthread_self(), VCPU, EMULATOR);
}

static void guest_load(u64 index)
{
	for (;;)
		GUEST_SYNC(guest_read32(DEVUSER_GPA));
}

static char state_of(pid_t pid)
{
	char path[64], state;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	TEST_ASSERT(stat && fscanf(stat, "%*d %*s %c", &state) == 1, "Cannot read %s", path);
	fclose(stat);
	return state;
}

static int count_loads_served_here(struct devuser_vm *dv)
{
	int i, nr = 0;

	for (i = 0; i < NR_LOADS; i++) {
		while (state_of(dv->emul->pid) != 'S')
			usleep(100);
		nr += devuser_run_sync(dv->vcpus[0]) == VCPU;
	}
	return nr;
}

TEST(busy_cpus)
{
	struct devuser_vm *dv = devuser_vm_create(1, guest_load);
	struct devuser_hog hogs[NR_CPUS_USED];
	int i, nr;

	if (sysconf(_SC_NPROCESSORS_ONLN) < NR_CPUS_USED)
		SKIP(return, "It takes two CPUs");

	devuser_emul_serve(dv->emul, serve_cpu);
	for (i = 0; i < NR_CPUS_USED; i++)
		devuser_hog_start(&hogs[i], i);
	devuser_pin(pthread_self(), VCPU);
	nr = count_loads_served_here(dv);
	for (i = 0; i < NR_CPUS_USED; i++)
		devuser_hog_end(&hogs[i]);

	ksft_print_msg("%d of %d loads were served on the vCPU's CPU\n", nr, NR_LOADS);
	/* Where it sleeps may be another one, if the scheduler has moved it meanwhile. */
	TEST_ASSERT(nr > NR_LOADS / 2, "The emulator waits on another CPU");
	devuser_vm_free(dv);
}

int main(int argc, char *argv[])
{
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_DEV_USER));
	return test_harness_run(argc, argv);
}
