/* SPDX-License-Identifier: Apache-2.0 */
/* The one function of a fuzz target, as libFuzzer wants it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
