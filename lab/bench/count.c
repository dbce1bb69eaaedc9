// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCG plugin that counts the instructions a machine executes, those of one
 * address space (the emulator's) and all the others, but for those of bystanders.
 *
 * usage: -plugin count.so,out=FILE
 *
 * A program in the machine says by marks, instructions that do nothing else,
 * that its address space is the emulator's or a bystander's, or that the totals are
 * to be written down.  Each of the latter makes a line in FILE: "OTHERS EMULATOR", or,
 * at a mark for CPUs, what each CPU executed.
 * What an idle CPU executes counts for the address space it was in last.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define CPUS_MAX	64
#define CR3_ADDRESS	0x7ffffffffffff000ull

/* nopl MARK(%rax,%rax,1), see devuser_bench_count.h */
#define MARK_TOTAL	0x6b766d01u
#define MARK_EMULATOR	0x6b766d02u
#define MARK_CPUS	0x6b766d03u
#define MARK_BYSTANDER	0x6b766d04u	/* see guest/hog.S */

enum side { OTHERS, EMULATOR, BYSTANDER, SIDES };

struct cpu {
	struct qemu_plugin_register *cr3;
	struct qemu_plugin_register *general[16];
	uint64_t accounted;	/* of its instructions, those in the totals */
	uint64_t totals[SIDES];
	enum side side;		/* whose address space it is in */
};

static struct cpu cpus[CPUS_MAX];
static qemu_plugin_u64 executed;
static GHashTable *sides;	/* CR3 => side, but for the others */
static GMutex lock;
static FILE *out;

static void die(const char *what)
{
	fprintf(stderr, "count.so: %s\n", what);
	abort();
}

static uint64_t get_register(struct qemu_plugin_register *handle)
{
	GByteArray *bytes = g_byte_array_new();
	uint64_t value = 0;

	if (!handle || qemu_plugin_read_register(handle, bytes) != sizeof(value))
		die("cannot read a register");
	memcpy(&value, bytes->data, sizeof(value));
	g_byte_array_free(bytes, true);
	return value;
}

static void account(unsigned int index)
{
	struct cpu *cpu = &cpus[index];
	uint64_t now = qemu_plugin_u64_get(executed, index);

	cpu->totals[cpu->side] += now - cpu->accounted;
	cpu->accounted = now;
}

static enum side side_of(uint64_t cr3)
{
	cr3 &= CR3_ADDRESS;
	return GPOINTER_TO_INT(g_hash_table_lookup(sides, &cr3));
}

/* Before an instruction that writes CR3. */
static void on_switch(unsigned int index, void *reg)
{
	struct cpu *cpu = &cpus[index];

	g_mutex_lock(&lock);
	account(index);
	cpu->side = side_of(get_register(cpu->general[GPOINTER_TO_INT(reg)]));
	g_mutex_unlock(&lock);
}

/* From now on the address space is of that side, for OTHERS as at first. */
static void set_side(unsigned int index, enum side side)
{
	uint64_t cr3 = get_register(cpus[index].cr3) & CR3_ADDRESS;

	account(index);
	g_hash_table_insert(sides, g_memdup2(&cr3, sizeof(cr3)), GINT_TO_POINTER(side));
	cpus[index].side = side;
}

static void on_mark_side(unsigned int index, void *side)
{
	g_mutex_lock(&lock);
	set_side(index, GPOINTER_TO_INT(side));
	g_mutex_unlock(&lock);
}

static void on_mark_total(unsigned int index, void *unused)
{
	uint64_t sums[SIDES] = { };
	int i, side;

	g_mutex_lock(&lock);
	/* An emulator that has ended may have left its CR3 to this process. */
	set_side(index, OTHERS);
	for (i = 0; i < qemu_plugin_num_vcpus(); i++) {
		account(i);
		for (side = 0; side < SIDES; side++)
			sums[side] += cpus[i].totals[side];
	}
	fprintf(out, "%" PRIu64 " %" PRIu64 "\n", sums[OTHERS], sums[EMULATOR]);
	fflush(out);
	g_mutex_unlock(&lock);
}

static void on_mark_cpus(unsigned int index, void *unused)
{
	int i;

	g_mutex_lock(&lock);
	for (i = 0; i < qemu_plugin_num_vcpus(); i++) {
		account(i);
		fprintf(out, "%s%" PRIu64, i ? " " : "",
			cpus[i].accounted - cpus[i].totals[BYSTANDER]);
	}
	fprintf(out, "\n");
	fflush(out);
	g_mutex_unlock(&lock);
}

static void on_insn(struct qemu_plugin_insn *insn)
{
	uint8_t code[16];
	size_t size = qemu_plugin_insn_data(insn, code, sizeof(code));
	size_t rex = size && (code[0] & 0xf0) == 0x40;
	const uint8_t *op = code + rex;
	uint32_t mark;

	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(insn, QEMU_PLUGIN_INLINE_ADD_U64,
							    executed, 1);

	/* mov to CR3 */
	if (size - rex == 3 && op[0] == 0x0f && op[1] == 0x22 && (op[2] >> 3 & 7) == 3)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_switch, QEMU_PLUGIN_CB_R_REGS,
			GINT_TO_POINTER((op[2] & 7) | (rex && code[0] & 1 ? 8 : 0)));

	if (size != 8 || memcmp(code, "\x0f\x1f\x84\x00", 4))
		return;
	memcpy(&mark, code + 4, sizeof(mark));
	if (mark == MARK_TOTAL)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark_total,
						       QEMU_PLUGIN_CB_R_REGS, NULL);
	if (mark == MARK_EMULATOR || mark == MARK_BYSTANDER)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark_side, QEMU_PLUGIN_CB_R_REGS,
			GINT_TO_POINTER(mark == MARK_EMULATOR ? EMULATOR : BYSTANDER));
	if (mark == MARK_CPUS)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark_cpus,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i;

	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		on_insn(qemu_plugin_tb_get_insn(tb, i));
}

static void on_vcpu(qemu_plugin_id_t id, unsigned int index)
{
	static const char * const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};
	GArray *registers = qemu_plugin_get_registers();
	unsigned int i, j;

	if (index >= CPUS_MAX)
		die("too many CPUs");
	for (i = 0; i < registers->len; i++) {
		qemu_plugin_reg_descriptor *one =
			&g_array_index(registers, qemu_plugin_reg_descriptor, i);

		if (!strcmp(one->name, "cr3"))
			cpus[index].cr3 = one->handle;
		for (j = 0; j < G_N_ELEMENTS(names); j++)
			if (!strcmp(one->name, names[j]))
				cpus[index].general[j] = one->handle;
	}
	g_array_free(registers, true);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	if (argc != 1 || !g_str_has_prefix(argv[0], "out=") || !(out = fopen(argv[0] + 4, "w")))
		die("give out=FILE, a file that can be written");

	sides = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	executed = qemu_plugin_scoreboard_u64(qemu_plugin_scoreboard_new(sizeof(uint64_t)));
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
