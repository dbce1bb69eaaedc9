// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kvm.h>

/* A kernel's other headers are not for userspace before they are installed. */
#include "../../../include/uapi/linux/kvm_devuser.h"
#include "kvm.h"

/* The same on every kernel that has the device; headers may be older. */
#ifndef KVM_CAP_DEV_USER
#define KVM_CAP_DEV_USER	252
#endif
#ifndef KVM_DEV_TYPE_USER
#define KVM_DEV_TYPE_USER	17
#endif

static unsigned int device_version(int vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_USER };
	struct kvm_dev_user_info info = { .size = sizeof(info) };
	int result;

	if (ioctl(vm, KVM_CREATE_DEVICE, &device) < 0)
		return 0;
	result = ioctl(device.fd, KVM_DEV_USER_INFO, &info);
	close(device.fd);
	return result < 0 ? 0 : info.version;
}

struct kvm_offer kvm_ask(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm;
	struct kvm_offer offer = { 0 };

	if (kvm < 0) {
		offer.error = errno;
		return offer;
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0) {
		offer.error = errno;
	} else {
		if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_DEV_USER) > 0)
			offer.version = device_version(vm);
		close(vm);
	}
	close(kvm);
	return offer;
}

static void user_free(gpointer data)
{
	struct kvm_user *user = data;

	g_free(user->name);
	g_free(user->vm_name);
	g_free(user);
}

static struct kvm_user *user_of(GPtrArray *users, const struct process *process)
{
	struct kvm_user *user = NULL;

	if (users->len)
		user = g_ptr_array_index(users, users->len - 1);
	if (user && user->pid == process->pid)
		return user;

	user = g_new0(struct kvm_user, 1);
	user->pid = process->pid;
	user->name = process_name(process);
	user->vm_name = process_vm_name(process);
	g_ptr_array_add(users, user);
	return user;
}

static void count(const struct process *process, const char *fd, const char *target, void *data)
{
	GPtrArray *users = data;
	struct kvm_user *user;

	if (strcmp(target, "/dev/kvm") && !g_str_has_prefix(target, "anon_inode:kvm-"))
		return;
	user = user_of(users, process);
	user->descriptors++;
	if (!strcmp(target, "anon_inode:kvm-vm"))
		user->vms++;
}

GPtrArray *kvm_users(const char *proc, struct unseen *unseen, GError **error)
{
	GPtrArray *users = g_ptr_array_new_with_free_func(user_free);

	if (walk_descriptors(proc, count, users, unseen, error))
		return users;
	g_ptr_array_unref(users);
	return NULL;
}
