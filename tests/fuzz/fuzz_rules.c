/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules files: load, report in every form, describe, finish. A line of three percent signs begins a second
 * file. Beyond not crashing: a failed load has an error with a place, and gives no ruleset.
 */
#include <stdlib.h>

#include "fields/catalogue.h"
#include "fuzz.h"
#include "rule/load.h"

static void report(struct loader *l)
{
	struct strbuf b = { 0 };
	struct json j = json_to(&b);

	loader_print(l, true, &b);
	loader_json(l, &j);
	loader_describe(l, (struct str){ 0 }, &j);
	loader_describe(l, STR("r"), &j);
	strbuf_done(&b);
}

static int add(struct loader *l, const char *name, struct str content)
{
	int rc = loader_add(l, name, content);

	if (rc == LOAD_E_INVALID && !loader_errors(l))
		abort();
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rule_selection selections[] = { { .enable = true, .rule = STR("*") } };
	static const struct append_output append = { .extra_output = STR("%evt.num"),
						     .suggested_output = true };
	const struct load_options options = { .catalogue = fields_catalogue(),
					      .min_priority = PRIORITY_NOTICE,
					      .append = &append,
					      .nappend = 1,
					      .selections = selections,
					      .nselections = 1 };
	struct str text = { (const char *)data, size }, cut = STR("\n%%%\n");
	const char *at = size ? memmem(data, size, cut.ptr, cut.len) : NULL;
	size_t first = at ? (size_t)(at - text.ptr) + 1 : size;
	struct loader *l = loader_new(&options);
	struct diag diag = { 0 };

	if (!l)
		return 0;
	if (add(l, "a.yaml", str_cut(text, first)) == 0 && at)
		add(l, "b.yaml", str_skip(text, first + 4));
	report(l);
	struct ruleset *rs = loader_finish(l, &diag);

	if ((rs && loader_errors(l)) || (!rs && !diag.text[0]))
		abort();
	ruleset_unref(rs);
	loader_free(l);
	return 0;
}
