/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person should read about a fault in something they wrote: where it is, what is wrong, what
 * was expected. Who finds the fault fills it; who owns the terminal prints it.
 */
#pragma once

#include <stdint.h>

#include "base/strbuf.h"

struct diag {
	char file[256];	 /* empty: not in a file */
	uint32_t line;	 /* from 1; 0: unknown */
	uint32_t column; /* from 1, in bytes; 0: unknown */
	uint32_t offset; /* in bytes from the start of the text */
	char text[512];
};

/* Fills text (cut to fit); the place is left as it is. */
void diag_set(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void diag_file(struct diag *d, const char *file);
/* Line, column and offset of byte `offset` of `text`. */
void diag_place(struct diag *d, struct str text, size_t offset);
/* "file:line:column: text", leaving out what is unknown. */
void diag_print(const struct diag *d, struct strbuf *out);
