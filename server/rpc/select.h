/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which alerts a stream wants and which of their fields: allow, deny, tags, condition and fields of a request,
 * compiled once. Loop thread.
 */
#pragma once

#include <stdbool.h>

#include "base/diag.h"
#include "base/strbuf.h"
#include "outputs.pb-c.h"

struct select;

/*
 * *ret is NULL when the request selects nothing: all alerts pass whole. -EINVAL: *d says what is wrong and
 * where ("allow[2].rule[0]: ...", "condition:1:7: ..."); -ENOMEM.
 */
int select_new(const Falco__Outputs__Request *request, struct select **ret, struct diag *d);
struct select *select_free(struct select *s);
/* One filter more that must hold as well: for rules about who may see what. Texts are copied. */
int select_require(struct select **s, const Falco__Outputs__Filter *filter, struct diag *d);
bool select_pass(struct select *s, struct str message);
/* Whether passing alerts have to be packed anew, without some fields. */
bool select_packs(const struct select *s);
void select_pack(const struct select *s, struct str message, struct strbuf *out);
