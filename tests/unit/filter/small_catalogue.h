/* SPDX-License-Identifier: Apache-2.0 */
/* A handful of fields of every kind with fixed values, for unit tests and fuzzers of the language. */
#pragma once

#include "filter/catalogue.h"

/* The event. Extractions are counted; `name` is the name as given, `resolved` the other one. */
struct small_event {
	const char *type;
	unsigned extracted;
	unsigned extracted_names;
};

extern const struct catalogue small_catalogue;
