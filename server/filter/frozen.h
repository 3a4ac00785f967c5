/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of filter/: values of an event that waits; see filter.h. */
#pragma once

#include "filter/filter.h"

/* False: it had no value, or was not marked. */
bool frozen_value(const struct frozen *f, uint32_t slot, bool resolved, struct value *ret);
