/* SPDX-License-Identifier: Apache-2.0 */
/* The table of outputs. */
#include "output/output.h"

#include "base/cleanup.h"

static const struct output_ops *const table[] = {
	&output_stdout,
	&output_file,
	&output_syslog,
	&output_program,
};

const struct output_ops *output_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (str_eqz(name, table[i]->name))
			return table[i];
	}
	return NULL;
}
