/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel can decide of a condition (ARCHITECTURE.md, decision 8): `tiercel explain --kernel`. */
#pragma once

#include "base/strbuf.h"

struct catalogue;

/* Writes the report, text or JSON. 0; 1: the condition is not valid, or memory is out, and nothing was written. */
int kernel_explain(const struct catalogue *c, struct str condition, bool json, struct strbuf *out);
