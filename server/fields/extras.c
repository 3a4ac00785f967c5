/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields whose value can change by calls that nobody watches, or by what another process does: the kernel tells
 * it with the event, of rules that ask.
 */
#include "base/cleanup.h"
#include "fields/catalogue.h"
#include "probe/abi/probe.h"

static const struct {
	struct str prefix; /* of the field's name */
	uint8_t extras;
} rows[] = {
	{ STR("fd.types"), PROBE_EXTRA_KINDS },	     { STR("proc.cwd"), PROBE_EXTRA_CWD },
	{ STR("proc.fd"), PROBE_EXTRA_LIMITS },	     { STR("proc.is_pgid"), PROBE_EXTRA_SESSION },
	{ STR("proc.is_sid"), PROBE_EXTRA_SESSION }, { STR("proc.is_vpgid"), PROBE_EXTRA_SESSION },
	{ STR("proc.pgid"), PROBE_EXTRA_SESSION },   { STR("proc.sid"), PROBE_EXTRA_SESSION },
	{ STR("proc.sname"), PROBE_EXTRA_SESSION },  { STR("proc.std"), PROBE_EXTRA_STDIO },
	{ STR("proc.tty"), PROBE_EXTRA_SESSION },    { STR("proc.vm"), PROBE_EXTRA_MEMORY },
	{ STR("proc.vpgid"), PROBE_EXTRA_SESSION },  { STR("thread.cap_"), PROBE_EXTRA_CAPS },
	{ STR("thread.pf"), PROBE_EXTRA_MEMORY },    { STR("thread.vm"), PROBE_EXTRA_MEMORY },
};

uint8_t fields_extras(const struct field_ref *ref)
{
	struct str name = str_of(ref->def->name);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_starts(name, rows[i].prefix))
			return rows[i].extras;
	return 0;
}
