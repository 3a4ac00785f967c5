/* SPDX-License-Identifier: Apache-2.0 */
/* What other parts of this directory need of a loader beyond its contract. */
#pragma once

#include "rule/load.h"

/*
 * A condition that is no rule's, with the lists and macros loaded so far put in; l may be NULL. The tree is
 * valid as long as a and the loader. -EINVAL with *diag, -ENOMEM.
 */
int loader_expand(struct loader *l, struct str condition, struct arena *a, struct ast **ret_tree,
		  struct diag *diag);
