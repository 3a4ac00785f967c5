/* SPDX-License-Identifier: Apache-2.0 */
/* From the collection to a ruleset, and what `describe` wants to know of the way there. */
#pragma once

#include "rule/expand.h"
#include "rule/load.h"

struct compiled_rule {
	struct rule *rule;
	const struct rule_item *item;
	const struct ast *tree;	    /* resolved */
	struct texts macros, lists; /* referred to by the condition itself; may repeat */
};

/* Of one compilation; trees and texts are in the ruleset's arena. */
struct compiled {
	struct ruleset *ruleset;
	struct compiled_rule *rules; /* as ruleset_rules */
	struct expander expander;
	size_t nlists, nmacros; /* of the expander */
};

/*
 * Everything collected so far. 0, -EINVAL with the fault in the result (ret is left alone), -ENOMEM.
 */
int compile_rules(const struct load_options *options, struct collection *items,
		  struct result *result, struct compiled *ret);
void compiled_done(struct compiled *c);
