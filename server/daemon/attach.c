/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths, sockets and identities come with each record, so state needs only the life of processes and what
 * changes the fields that are read from it. Who names the calls to watch by base_syscalls is obeyed: then
 * only the scheduler's own events about processes are added.
 */
#include "daemon/attach.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "event/event.h"
#include "fields/catalogue.h"
#include "rule/syscalls.h"

static const char *const state_calls[] = {
	"clone",  "clone3",   "fork",	   "vfork",   "execve",	 "execveat",
	"chdir",  "fchdir",   "chroot",	   "setsid",  "setpgid", "capset",
	"setuid", "setreuid", "setresuid", "unshare", "setns",
};

/* Calls that only read or write data. */
static void drop_io(struct bitset *set, struct bitset *lost)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n && i < BITSET_BITS; i++) {
		if (calls[i].io && bitset_has(set, i)) {
			bitset_remove(set, i);
			bitset_add(lost, i);
		}
	}
}

static int choose_calls(const struct config *c, const struct ruleset *rs, struct bitset *set,
			struct bitset *lost, struct diag *diag)
{
	struct bitset rules = ruleset_syscalls(rs), named;

	if (c->base_syscalls.custom_set.n || c->base_syscalls.repair) {
		struct base_syscalls base = { .custom = c->base_syscalls.custom_set.items,
					      .ncustom = c->base_syscalls.custom_set.n,
					      .repair = c->base_syscalls.repair,
					      .all = c->base_syscalls.all };

		return syscalls_select(&base, &rules, set, lost, diag);
	}
	*set = rules;
	if (!c->base_syscalls.all)
		drop_io(set, lost);
	for (size_t i = 0; i < ARRAY_SIZE(state_calls); i++) {
		if (syscalls_named(str_of(state_calls[i]), &named))
			bitset_or(set, &named);
	}
	return 0;
}

static void tell_lost(const struct bitset *lost)
{
	_cleanup_(strbuf_done) struct strbuf names = { 0 };
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n; i++) {
		if (!bitset_has(lost, i))
			continue;
		strbuf_addz(&names, names.len ? ", " : "");
		strbuf_addz(&names, calls[i].type);
	}
	if (names.len && strbuf_check(&names) == 0)
		log_warning(
			"rules ask for calls that only read or write data, which are not watched "
			"unless base_syscalls.all is true: %s",
			strbuf_z(&names));
}

/* Rules' own tracepoints, and the codes of the chosen calls. */
static void choose_events(const struct ruleset *rs, const struct bitset *syscalls,
			  struct bitset *ret_events)
{
	const struct bitset *asked = ruleset_events(rs);
	struct bitset set = { 0 };
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (unsigned code = 0; code < EV_CODES; code++) {
		const struct event_info *info = event_info(code);

		if (info && info->kind != EVK_SYSCALL && bitset_has(asked, code))
			bitset_add(&set, code);
	}
	for (size_t i = 0; i < n && i < BITSET_BITS; i++) {
		if (bitset_has(syscalls, i) && event_info(calls[i].exit)->kind == EVK_SYSCALL)
			bitset_add(&set, calls[i].exit);
	}
	bitset_add(&set, EV_PROCEXIT_1_E);
	bitset_add(&set, EV_TASK_FORK);
	bitset_add(&set, EV_TASK_RENAME);
	*ret_events = set;
}

/* What the fields of the rules want to be told with the events that the rules are tried for. */
static int choose_extras(const struct ruleset *rs, uint8_t *ret_extras)
{
	const struct program *p = ruleset_program(rs);
	size_t n, nslots = program_slots(p);
	const struct rule *const *rules = ruleset_rules(rs, &n);
	_cleanup_(freep) bool *marks = calloc(nslots + 1, sizeof(*marks));

	if (!marks)
		return -ENOMEM;
	memset(ret_extras, 0, EV_CODES);
	for (size_t i = 0; i < n; i++) {
		uint8_t wanted = 0;

		if (!rules[i]->enabled)
			continue;
		memset(marks, 0, nslots);
		rule_mark_slots(rules[i], marks);
		for (uint32_t k = 0; k < nslots; k++)
			if (marks[k])
				wanted |= fields_extras(program_slot_ref(p, k));
		for (unsigned code = 0; code < EV_CODES; code++)
			if (bitset_has(&rules[i]->events, code))
				ret_extras[code] |= wanted;
	}
	return 0;
}

int attach_choose(const struct config *config, const struct ruleset *rs, struct attach *ret,
		  struct diag *diag)
{
	struct bitset set, lost = { 0 };
	int r = choose_calls(config, rs, &set, &lost, diag);

	if (r < 0)
		return r;
	tell_lost(&lost);
	ret->syscalls = set;
	choose_events(rs, &set, &ret->events);
	return choose_extras(rs, ret->extras);
}

void attach_add(struct attach *a, const struct attach *other)
{
	bitset_or(&a->events, &other->events);
	bitset_or(&a->syscalls, &other->syscalls);
	for (unsigned code = 0; code < EV_CODES; code++)
		a->extras[code] |= other->extras[code];
}
