/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of rule tests: fields given by name. The catalogue knows the fields of another one and reads their
 * values out of a YAML map (the `event` of a test) by the declared type of the field.
 */
#pragma once

#include "filter/catalogue.h"
#include "rule/yaml.h"

struct test_catalogue {
	struct catalogue c; /* its event is a const struct ynode */
	const struct catalogue *base;
};

void test_catalogue_init(struct test_catalogue *t, const struct catalogue *base);
/* Whether every key is a field and every value one of its type; -EINVAL with *diag, -ENOMEM. */
int test_event_check(const struct test_catalogue *t, const struct ynode *event, struct arena *a,
		     struct diag *diag);
