/* SPDX-License-Identifier: Apache-2.0 */
/* The C library's heap as a whole. */
#pragma once

#include <stddef.h>

/* Gives free memory back to the system when there is more of it than so many bytes; any thread. */
void heap_trim(size_t spare);
