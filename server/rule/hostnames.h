/* SPDX-License-Identifier: Apache-2.0 */
/* The names of hosts in conditions: somebody has to find out which addresses they stand for. */
#pragma once

#include "filter/ast.h"
#include "rule/ruleset_impl.h"

/* Adds those of a tree that lives as long as the ruleset. -ENOMEM; beyond LIMIT_HOST_NAMES they are left out. */
int hostnames_add(struct ruleset *rs, const struct ast *tree);
