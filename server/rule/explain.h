/* SPDX-License-Identifier: Apache-2.0 */
/* A condition or an output format taken apart (DESIGN.md, "Command line", `explain`). */
#pragma once

#include "base/strbuf.h"

struct catalogue;

/*
 * Writes the report, text or JSON. syntax_only: names are not looked up; output_format: text is a format.
 * The exit status: 0 valid, 1 not (or out of memory).
 */
int explain_condition(const struct catalogue *c, struct str text, bool json, bool syntax_only,
		      bool output_format, struct strbuf *out);
