// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TCG plugin that tells where a machine executes its instructions.
 *
 * usage: -plugin profile.so,out=FILE
 *
 * At each mark for totals (see devuser_bench_count.h) it writes a line "mark", and
 * a line "ADDRESS COUNT" for each block of instructions executed so far.
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <qemu-plugin.h>

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

#define MARK_TOTAL	"\x0f\x1f\x84\x00\x01\x6d\x76\x6b"

#define BLOCKS_MAX	(1u << 19)

/* One counter for each block, all in one scoreboard. */
static struct qemu_plugin_scoreboard *counters;
static GHashTable *blocks;	/* which counter, by address */
static GMutex lock;
static FILE *out;

static qemu_plugin_u64 counter_of(gpointer index)
{
	return (qemu_plugin_u64) {
		.score = counters,
		.offset = GPOINTER_TO_SIZE(index) * sizeof(uint64_t),
	};
}

static void write_block(gpointer address, gpointer index, gpointer unused)
{
	fprintf(out, "%" PRIx64 " %" PRIu64 "\n", *(uint64_t *)address,
		qemu_plugin_u64_sum(counter_of(index)));
}

static void on_mark(unsigned int index, void *unused)
{
	g_mutex_lock(&lock);
	fprintf(out, "mark\n");
	g_hash_table_foreach(blocks, write_block, NULL);
	fflush(out);
	g_mutex_unlock(&lock);
}

static qemu_plugin_u64 block_at(uint64_t address)
{
	gpointer index;

	g_mutex_lock(&lock);
	if (!g_hash_table_lookup_extended(blocks, &address, NULL, &index)) {
		index = GSIZE_TO_POINTER(g_hash_table_size(blocks));
		if (GPOINTER_TO_SIZE(index) == BLOCKS_MAX) {
			fprintf(stderr, "profile.so: too many blocks\n");
			abort();
		}
		g_hash_table_insert(blocks, g_memdup2(&address, sizeof(address)), index);
	}
	g_mutex_unlock(&lock);
	return counter_of(index);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_u64 executed = block_at(qemu_plugin_tb_vaddr(tb));

	for (i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t code[8];

		qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
			insn, QEMU_PLUGIN_INLINE_ADD_U64, executed, 1);
		if (qemu_plugin_insn_data(insn, code, sizeof(code)) == sizeof(code) &&
		    !memcmp(code, MARK_TOTAL, sizeof(code)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	if (argc != 1 || !g_str_has_prefix(argv[0], "out=") || !(out = fopen(argv[0] + 4, "w"))) {
		fprintf(stderr, "profile.so: give out=FILE, a file that can be written\n");
		return -1;
	}

	blocks = g_hash_table_new(g_int64_hash, g_int64_equal);
	counters = qemu_plugin_scoreboard_new(BLOCKS_MAX * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	return 0;
}
