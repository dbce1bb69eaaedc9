// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's uevents: whole, odd, hostile; and a socket that breaks. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../uevent.h"

/* In a block of its own size, so that a step beyond is seen. */
static bool is_of_kvm(const char *message, size_t size)
{
	g_autofree char *copy = g_memdup2(message, size);

	return uevent_is_of_kvm(copy, size);
}

#define IS_OF_KVM(message) is_of_kvm(message, sizeof(message))

static const char vm_created[] =
	"change@/devices/virtual/misc/kvm\0ACTION=change\0DEVPATH=/devices/virtual/misc/kvm\0"
	"SUBSYSTEM=misc\0CREATED=1\0COUNT=1\0EVENT=create\0PID=100\0SEQNUM=7";

static void test_messages(void)
{
	g_assert_true(IS_OF_KVM(vm_created));
	g_assert_true(IS_OF_KVM("add@/module/kvm\0ACTION=add\0DEVPATH=/module/kvm"));
	g_assert_true(IS_OF_KVM("remove@/module/kvm_amd\0DEVPATH=/module/kvm_amd"));
	g_assert_false(IS_OF_KVM("change@/devices/virtual/misc/kvm"));
	g_assert_false(IS_OF_KVM("add@/module/kvmgt\0DEVPATH=/module/kvmgt"));
	g_assert_false(IS_OF_KVM("add@/x\0DEVPATH=/devices/virtual/misc/kvm2"));
	g_assert_false(IS_OF_KVM("add@/x\0XDEVPATH=/module/kvm"));
	g_assert_false(IS_OF_KVM("add@/x\0DEVPATH"));
	g_assert_false(IS_OF_KVM("add@/x\0DEVPATH="));
	g_assert_false(IS_OF_KVM(""));
	g_assert_false(IS_OF_KVM("libudev\0\xfe\xed\xca\xfe"));
}

static void test_truncated(void)
{
	const char *path = "DEVPATH=/devices/virtual/misc/kvm";
	size_t at = (char *)memmem(vm_created, sizeof(vm_created), path, strlen(path)) - vm_created;
	size_t size;

	for (size = 0; size <= sizeof(vm_created); size++) {
		bool whole = size > at + strlen(path) && !vm_created[size - 1];

		g_assert_true(is_of_kvm(vm_created, size) == (size && whole));
	}
}

static void test_hostile(void)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	unsigned int i, changes;

	for (i = 0; i < 20000; i++) {
		g_autofree char *message = g_memdup2(vm_created, sizeof(vm_created));
		size_t size = g_rand_int_range(rand, 1, sizeof(vm_created) + 1);

		for (changes = g_rand_int_range(rand, 0, 6); changes; changes--)
			message[g_rand_int_range(rand, 0, size)] = g_rand_int_range(rand, 0, 256);
		is_of_kvm(message, size);
	}
}

static void count_broken(enum uevents_news news, void *data)
{
	unsigned int *broken = data;

	*broken += news == UEVENTS_BROKEN;
}

/* The socket is lost: it is said once, and the main loop does not spin on it. */
static void test_broken(void)
{
	g_autoptr(GError) error = NULL;
	unsigned int broken = 0, i;
	struct uevents *uevents = uevents_new(count_broken, &broken, &error);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	g_assert_no_error(error);
	g_assert_cmpint(dup2(null, uevents_fd(uevents)), >=, 0);
	close(null);
	for (i = 0; i < 1000 && !broken; i++)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(broken, ==, 1);
	for (i = 0; i < 100; i++)
		g_main_context_iteration(NULL, FALSE);
	g_assert_cmpuint(broken, ==, 1);
	uevents_free(uevents);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/uevent/messages", test_messages);
	g_test_add_func("/uevent/truncated", test_truncated);
	g_test_add_func("/uevent/hostile", test_hostile);
	g_test_add_func("/uevent/broken", test_broken);
	return g_test_run();
}
