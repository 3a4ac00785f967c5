/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name covers every version of the event of that name, so taking away `accept` takes accept4 away, too:
 * its older event was called accept. The reference does the same.
 */
#include "rule/syscalls.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "event/event.h"

static const char *const always[] = { "clone",	  "clone3",  "fork",	  "vfork",     "execve",
				      "execveat", "fchdir",  "chdir",	  "chroot",    "capset",
				      "setgid",	  "setpgid", "setresgid", "setresuid", "setsid",
				      "setuid",	  "prctl",   "procexit" };
/* Their category is that of reading and writing. */
static const char *const network[] = { "send", "sendto",   "sendmsg", "sendmmsg",
				       "recv", "recvfrom", "recvmsg", "recvmmsg" };

bool syscalls_named(struct str name, struct bitset *ret)
{
	struct bitset codes, set = { 0 };
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	if (!event_codes_named(name, &codes))
		return false;
	for (size_t i = 0; i < n && i < BITSET_BITS; i++) {
		struct str rest = str_of(calls[i].codes), part;
		uint64_t code;

		if (calls[i].exit == EV_GENERIC_X) {
			if (str_eqz(name, calls[i].name) || str_eqz(name, calls[i].type))
				bitset_add(&set, i);
			continue;
		}
		while (str_split(&rest, ' ', &part))
			if (str_to_u64(part, &code) == 0 && bitset_has(&codes, (size_t)code))
				bitset_add(&set, i);
	}
	*ret = set;
	return true;
}

static void add_type(struct bitset *set, const char *type)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n && i < BITSET_BITS; i++)
		if (strcmp(calls[i].type, type) == 0)
			bitset_add(set, i);
}

static bool is_network(const struct syscall_info *call, const struct event_info *info)
{
	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		if (strcmp(call->type, network[i]) == 0)
			return true;
	return info && info->category == EVC_NET;
}

struct bitset syscalls_repair(const struct bitset *from)
{
	struct bitset set = *from;
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		add_type(&set, always[i]);
	for (size_t i = 0; i < n && i < BITSET_BITS; i++) {
		const struct event_info *info = event_info(calls[i].exit);

		if (!bitset_has(from, i))
			continue;
		if (is_network(&calls[i], info)) {
			add_type(&set, "socket");
			add_type(&set, "getsockopt");
			add_type(&set, "close");
		}
		if (strncmp(calls[i].type, "accept", 6) == 0 ||
		    strcmp(calls[i].type, "listen") == 0)
			add_type(&set, "bind");
		if (info && ((info->category == EVC_FILE && info->flags & EVF_CREATES_FD) ||
			     info->category == EVC_IO_READ || info->category == EVC_IO_WRITE))
			add_type(&set, "close");
	}
	return set;
}

static int unknown(struct str name, struct diag *diag)
{
	struct suggest near = suggest_for(name);
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n; i++)
		suggest_offer(&near, str_of(calls[i].type));
	if (near.best.ptr)
		diag_set(diag, "`%.*s` is no syscall; did you mean `%.*s`?", STR_ARG(name),
			 STR_ARG(near.best));
	else
		diag_set(diag, "`%.*s` is no syscall", STR_ARG(name));
	return -EINVAL;
}

static int read_custom(const struct base_syscalls *config, struct bitset *plus,
		       struct bitset *minus, bool *positive, struct diag *diag)
{
	for (size_t i = 0; i < config->ncustom; i++) {
		struct str name = config->custom[i];
		bool negative = str_starts(name, STR("!"));
		struct bitset set;

		if (negative)
			name = str_skip(name, 1);
		if (!syscalls_named(name, &set))
			return unknown(name, diag);
		bitset_or(negative ? minus : plus, &set);
		*positive |= !negative;
	}
	return 0;
}

int syscalls_select(const struct base_syscalls *config, const struct bitset *rules,
		    struct bitset *ret_selected, struct bitset *ret_lost, struct diag *diag)
{
	struct bitset plus = { 0 }, minus = { 0 }, set = *rules, lost = { 0 };
	bool positive = false;
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);
	int rc = read_custom(config, &plus, &minus, &positive, diag);

	if (rc < 0)
		return rc;
	if (positive)
		bitset_or(&set, &plus);
	else if (config->repair)
		set = syscalls_repair(rules);
	else
		for (size_t i = 0; i < n && i < BITSET_BITS; i++)
			if (calls[i].state)
				bitset_add(&set, i);
	bitset_minus(&set, &minus);
	for (size_t i = 0; !config->all && i < n && i < BITSET_BITS; i++)
		if (calls[i].io && bitset_has(&set, i)) {
			bitset_remove(&set, i);
			if (bitset_has(rules, i))
				bitset_add(&lost, i);
		}
	if (config->ncustom && config->repair)
		set = syscalls_repair(&set);
	add_type(&set, "procexit");
	*ret_selected = set;
	*ret_lost = lost;
	return 0;
}
