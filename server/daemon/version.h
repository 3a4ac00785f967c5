/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says about itself, in Falco's form: `--version -o json_output=true` and GET /versions. */
#pragma once

#include "base/strbuf.h"

void version_json(struct strbuf *out); /* one object, no line end */
