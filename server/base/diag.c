/* SPDX-License-Identifier: Apache-2.0 */
/* Faults for people to read; see diag.h. */
#include "base/diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_set(struct diag *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(d->text, sizeof(d->text), fmt, args);
	va_end(args);
}

void diag_file(struct diag *d, const char *file)
{
	snprintf(d->file, sizeof(d->file), "%s", file);
}

void diag_place(struct diag *d, struct str text, size_t offset)
{
	uint32_t line = 1, column = 1;

	if (offset > text.len)
		offset = text.len;
	for (size_t i = 0; i < offset; i++) {
		if (text.ptr[i] == '\n') {
			line++;
			column = 1;
		} else {
			column++;
		}
	}
	d->line = line;
	d->column = column;
	d->offset = (uint32_t)offset;
}

void diag_print(const struct diag *d, struct strbuf *out)
{
	if (d->file[0])
		strbuf_addz(out, d->file);
	if (d->line)
		strbuf_printf(out, "%s%u:%u", d->file[0] ? ":" : "", d->line, d->column);
	if (d->file[0] || d->line)
		strbuf_addz(out, ": ");
	strbuf_addz(out, d->text);
}
