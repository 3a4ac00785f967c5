/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular expressions of the language: RE2 in POSIX syntax, leftmost-longest, whole value, ^ and $ at every
 * line (rules-language.md 3.7). The only C++ of the project is behind this header; nothing it throws
 * comes out.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct regex;

/* 0; -EINVAL with the library's reason in err (terminated, cut to size); -ENOMEM. */
int regex_new(const char *pattern, size_t len, struct regex **ret, char *err, size_t size);
struct regex *regex_free(struct regex *r);
/* The text must be valid UTF-8. Any thread. */
bool regex_match(const struct regex *r, const char *text, size_t len);

#ifdef __cplusplus
}
#endif
