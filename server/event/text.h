/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters as people and rules read them: evt.arg, evt.args (rules-language.md 6.7). What only others
 * know (names of processes, users) is asked from them.
 */
#pragma once

#include "base/strbuf.h"
#include "event/event.h"

/* Every callback may be NULL: nothing known. Texts stay valid until the next call. */
struct param_text_host {
	void *ctx;
	/* Name of a descriptor as fd.name shows it, its letter of fd.typechar in *ret_kind and its protocol
	 * (IPPROTO_ or 0) in *ret_l4. NULL: the event's own descriptor is known, no other. */
	bool (*fd)(void *ctx, const struct event *e, int64_t num, struct strbuf *out,
		   char *ret_kind, uint8_t *ret_l4);
	/* Comm of a thread; ptr NULL: unknown. */
	struct str (*comm)(void *ctx, int64_t tid);
	/* Names; ptr NULL: unknown. */
	struct str (*user)(void *ctx, const struct event *e, uint32_t uid);
	struct str (*group)(void *ctx, const struct event *e, uint32_t gid);
	/* Working directory of who did it; ptr NULL: unknown. Asked when the record has no base directory. */
	struct str (*cwd)(void *ctx, const struct event *e);
};

/* The plain text of parameter i (below info->nparams); "<NA>" or "NULL" without a value. */
void param_print_raw(const struct event *e, unsigned i, struct strbuf *out);
/* What the plain text means: names of flags, of an errno, of a descriptor. False: it says all. */
bool param_print_resolved(const struct event *e, unsigned i, const struct param_text_host *host,
			  struct strbuf *out);
/* evt.args: name=raw or name=raw(resolved), joined by blanks; nothing for generic events. */
void event_print_args(const struct event *e, const struct param_text_host *host,
		      struct strbuf *out);

/* The name of the event's own descriptor (e->fd, not NULL) as fd.name shows it. */
void fd_print_name(const struct event *e, struct strbuf *out);
/* Text of an address: "1.2.3.4" or RFC 5952; v4-mapped as v4. family: AF_INET or AF_INET6. */
void addr_print(int family, const uint8_t *bytes, struct strbuf *out);
/* "ENOENT" of 2 or -2; NULL when there is no such error. */
const char *errno_name(int64_t err);
/* Names of a value by table; ENUMFLAGS (exact) or FLAGS and MODE (bits). False: no name. */
bool flags_print(const struct flag_table *t, uint32_t value, bool exact, struct strbuf *out);
