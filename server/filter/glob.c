/* SPDX-License-Identifier: Apache-2.0 */
/* fnmatch wants terminated texts; values of events are not, so they are copied, to the stack if short. */
#include "filter/glob.h"

#include <fnmatch.h>

bool glob_match(const char *pattern, struct str subject, bool fold_case, struct arena *a)
{
	char small[512];
	char *z = subject.len < sizeof(small) ? small : arena_alloc(a, subject.len + 1);

	if (!z)
		return false;
	if (subject.len)
		memcpy(z, subject.ptr, subject.len);
	z[subject.len] = '\0';
	return fnmatch(pattern, z, fold_case ? FNM_CASEFOLD : 0) == 0;
}

bool glob_is_pattern(struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '?' || text.ptr[i] == '*' || text.ptr[i] == '[')
			return true;
	}
	return false;
}
