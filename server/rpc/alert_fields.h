/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a condition of a stream can ask of an alert: the catalogue's `event` is a struct message. Fields of
 * output_fields go by their names and have the types they have in rules, read back from their texts (what does
 * not read as its type, "<NA>" above all, is no value; lists are texts). Beside them:
 *	alert.rule alert.source alert.hostname alert.output alert.tags alert.priority (a word, in lower case)
 *	alert.severity (0 emergency ... 7 debug) alert.time alert.field[NAME] (any field, as text)
 */
#pragma once

#include "filter/catalogue.h"

/* Made at the first call (one thread), static from then on. NULL when memory is out. */
const struct catalogue *alert_fields(void);
