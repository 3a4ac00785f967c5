/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of events, flags and syscalls, made from the .def files by the preprocessor: what is listed
 * there is known here, and nowhere else. Parameters name the table of their flags, so the flag tables
 * come first.
 */
#include "event/event.h"

#include <pthread.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define F(flag, bits) { .name = #flag, .value = (bits) },
#define FLAGS(table, ...)                                                                          \
	static const struct flag_name rows_##table[] = { __VA_ARGS__ };                            \
	static const struct flag_table flags_##table = { .name = #table,                           \
							 .rows = rows_##table,                     \
							 .n = ARRAY_SIZE(rows_##table) };
#include "event/flags.def"
#undef FLAGS

/* A DYN parameter has no names of its own: its table only says what its first byte means (text.c). */
#define DYNAMIC(table) static const struct flag_table flags_##table = { .name = #table };
DYNAMIC(bpf_dynamic_param)
DYNAMIC(keyctl_dynamic_param)
DYNAMIC(ptrace_dynamic_param)
DYNAMIC(sockopt_dynamic_param)

static const struct flag_table *const flag_tables[] = {
#define FLAGS(table, ...) &flags_##table,
#include "event/flags.def"
#undef FLAGS
	&flags_bpf_dynamic_param,
	&flags_keyctl_dynamic_param,
	&flags_ptrace_dynamic_param,
	&flags_sockopt_dynamic_param,
};
#undef F

#undef P
#undef PF
#undef PD
#undef PARAMS
#define ROW(pname, ptype, pformat, pdirfd, pflags)                                                 \
	{ .name = (pname),                                                                         \
	  .type = PT_##ptype,                                                                      \
	  .format = PF_##pformat,                                                                  \
	  .dirfd = (pdirfd),                                                                       \
	  .flags = (pflags) },
#define P(pname, ptype, pformat)	  ROW(#pname, ptype, pformat, -1, NULL)
#define PF(pname, ptype, pformat, ptable) ROW(#pname, ptype, pformat, -1, &flags_##ptable)
#define PD(pname, ptype, pformat, pdirfd) ROW(#pname, ptype, pformat, pdirfd, NULL)
#define PARAMS(...)			  __VA_ARGS__

/* One row more than there are parameters, as C has no empty arrays. */
#define EVENT(ecode, id, ename, edir, estate, ecategory, ekind, eflags, esyscalls, eparams)        \
	static const struct param_info params_##id[] = { eparams{ .name = NULL } };
#include "probe/abi/events.def"
#undef EVENT

#define EVENT(ecode, id, ename, edir, estate, ecategory, ekind, eflags, esyscalls, eparams)        \
	[ecode] = { .name = (ename),                                                               \
		    .syscalls = (esyscalls),                                                       \
		    .params = params_##id,                                                         \
		    .code = (ecode),                                                               \
		    .nparams = ARRAY_SIZE(params_##id) - 1,                                        \
		    .dir = EVD_##edir,                                                             \
		    .state = EVS_##estate,                                                         \
		    .kind = EVK_##ekind,                                                           \
		    .category = EVC_##ecategory,                                                   \
		    .flags = (eflags) },
static const struct event_info events[EV_CODES] = {
#include "probe/abi/events.def"
};
#undef EVENT

static const struct syscall_info syscalls[] = {
#define SYSCALL(sname, stype, sexit, scodes, sstate, sio)                                          \
	{ .name = #sname,                                                                          \
	  .type = (stype),                                                                         \
	  .codes = (scodes),                                                                       \
	  .exit = EV_##sexit,                                                                      \
	  .state = (sstate),                                                                       \
	  .io = (sio) },
#include "event/syscalls.def"
};

const struct event_info *event_info(unsigned code)
{
	return code < EV_CODES && events[code].name ? &events[code] : NULL;
}

const struct flag_table *flag_table_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_tables); i++)
		if (str_eqz(name, flag_tables[i]->name))
			return flag_tables[i];
	return NULL;
}

const struct syscall_info *syscall_infos(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(syscalls);
	return syscalls;
}

const struct syscall_info *syscall_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(syscalls); i++)
		if (str_eqz(name, syscalls[i].name))
			return &syscalls[i];
	return NULL;
}

/* Calls younger than libseccomp 2.5.4. From 424 on a call has the same number everywhere. */
static const struct {
	uint16_t nr;
	const char *name;
	uint32_t arch; /* 0: all */
} young[] = {
	{ 335, "uretprobe", SCMP_ARCH_X86_64 },
	{ 336, "uprobe", SCMP_ARCH_X86_64 },
	{ 451, "cachestat", 0 },
	{ 452, "fchmodat2", 0 },
	{ 453, "map_shadow_stack", 0 },
	{ 454, "futex_wake", 0 },
	{ 455, "futex_wait", 0 },
	{ 456, "futex_requeue", 0 },
	{ 457, "statmount", 0 },
	{ 458, "listmount", 0 },
	{ 459, "lsm_get_self_attr", 0 },
	{ 460, "lsm_set_self_attr", 0 },
	{ 461, "lsm_list_modules", 0 },
	{ 462, "mseal", 0 },
	{ 463, "setxattrat", 0 },
	{ 464, "getxattrat", 0 },
	{ 465, "listxattrat", 0 },
	{ 466, "removexattrat", 0 },
	{ 467, "open_tree_attr", 0 },
	{ 468, "file_getattr", 0 },
	{ 469, "file_setattr", 0 },
	{ 470, "listns", 0 },
	{ 471, "rseq_slice_yield", 0 },
};

char *syscall_name_at(uint32_t arch, int nr)
{
	char *name = seccomp_syscall_resolve_num_arch(arch, nr);

	for (size_t i = 0; !name && i < ARRAY_SIZE(young); i++) {
		if (young[i].nr == nr && (!young[i].arch || young[i].arch == arch))
			name = strdup(young[i].name);
	}
	return name;
}

/* Numbers up to here are looked up once; all architectures we know stay below. */
enum { SYSCALL_NUMBERS = 1024 };

static const struct syscall_info *by_number[2][SYSCALL_NUMBERS];

static void number_syscalls(uint32_t arch, const struct syscall_info **ret_table)
{
	for (int nr = 0; nr < SYSCALL_NUMBERS; nr++) {
		_cleanup_(freep) char *name = syscall_name_at(arch, nr);

		if (name)
			ret_table[nr] = syscall_find(str_of(name));
	}
}

static void number_all(void)
{
	uint32_t native = seccomp_arch_native();

	number_syscalls(native, by_number[0]);
	number_syscalls(native == SCMP_ARCH_X86_64    ? SCMP_ARCH_X86
			: native == SCMP_ARCH_AARCH64 ? SCMP_ARCH_ARM
						      : native,
			by_number[1]);
}

const struct syscall_info *syscall_by_number(unsigned nr, bool is_32bit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, number_all);
	return nr < SYSCALL_NUMBERS ? by_number[is_32bit][nr] : NULL;
}

/* An event's name stands for all its versions; only without such an event it is a syscall's. */
static bool add_event_codes(struct str name, struct bitset *codes)
{
	bool found = false;

	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		if (!events[code].name || events[code].state == EVS_UNUSED ||
		    !str_eqz(name, events[code].name))
			continue;
		bitset_add(codes, code);
		found = true;
	}
	return found;
}

bool event_codes_named(struct str name, struct bitset *ret_codes)
{
	struct bitset codes = { 0 };

	if (!add_event_codes(name, &codes)) {
		const struct syscall_info *call = syscall_find(name);

		if (!call)
			return false;
		struct str rest = str_of(call->codes), part;
		uint64_t code;

		while (str_split(&rest, ' ', &part))
			if (str_to_u64(part, &code) == 0 && code < EV_CODES)
				bitset_add(&codes, (size_t)code);
	}
	*ret_codes = codes;
	return true;
}

int event_param(const struct event_info *info, struct str name)
{
	for (int i = 0; i < info->nparams; i++)
		if (str_eqz(name, info->params[i].name))
			return i;
	return -1;
}
