/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions of rules: reading, checking, and making condition text of them (rules-language.md 1.8). */
#pragma once

#include "rule/read.h"

/* The exceptions of an item, chained; null is none. full: fields are required. */
int exceptions_read(struct reading *r, const struct ynode *item, const struct place *place,
		    bool full, struct exception **ret);
/* Checks operators, lengths and fields of a definition. fields: whether the catalogue knows them. */
int exceptions_check(struct reading *r, const struct exception *e, const struct place *place,
		     bool fields);
/* Adds what `from` holds to the rule's. */
int exceptions_append(struct reading *r, struct rule_item *rule, struct exception *from,
		      const struct place *place);
/* The condition with the exceptions put behind it, in ret; faults go to the result. */
int exceptions_condition(struct result *result, const struct rule_item *rule, struct strbuf *ret);
