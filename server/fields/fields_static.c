/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that the configuration makes up: the same text on every event, static.NAME. They are declared
 * before the first rules are compiled and never change after that, so that programs may point at them.
 */
#include <errno.h>
#include <stdlib.h>

#include "fields/catalogue.h"
#include "fields/extract.h"

static const struct static_field *declared;
static size_t ndeclared;

int fields_declare_static(const struct static_field *fields, size_t n)
{
	size_t bytes = 0;

	if (declared || n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		bytes += fields[i].name.len + fields[i].value.len;
	struct static_field *copy = malloc(n * sizeof(*copy) + bytes);

	if (!copy)
		return -ENOMEM;
	char *to = (char *)(copy + n);

	for (size_t i = 0; i < n; i++) {
		const struct str parts[] = { fields[i].name, fields[i].value };
		struct str *const places[] = { &copy[i].name, &copy[i].value };

		for (unsigned k = 0; k < 2; k++) {
			*places[k] = (struct str){ to, parts[k].len };
			if (parts[k].len)
				memcpy(to, parts[k].ptr, parts[k].len);
			to += parts[k].len;
		}
	}
	declared = copy;
	ndeclared = n;
	return 0;
}

int fx_static_find(struct str name)
{
	for (size_t i = 0; i < ndeclared; i++)
		if (str_eq(declared[i].name, name))
			return (int)i;
	return -ENOENT;
}

bool x_static(const struct fx *x, struct value *ret)
{
	return fx_text(declared[x->ref->aux].value, ret);
}
