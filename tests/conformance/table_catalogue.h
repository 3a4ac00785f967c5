/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalogue for tests, made at run time from the reference's tables of fields, events and system calls. Its
 * `event` is a JSON object of field texts and values, as the conformance cases describe events.
 */
#pragma once

#include <jansson.h>

#include "filter/catalogue.h"

struct table_catalogue {
	struct catalogue c;
	struct field_def *fields;
	json_t *params; /* parameter name -> type, of the first event that has it */
	json_t *events; /* name -> array of codes */
	struct arena arena;
};

/* directory: with fields.csv, events.csv, syscalls.csv. False: they cannot be read. */
bool table_catalogue_init(struct table_catalogue *t, const char *directory);
void table_catalogue_done(struct table_catalogue *t);

/* JSON texts hold bytes as code points up to U+00FF. */
struct str latin_text(const json_t *text, struct arena *a);
