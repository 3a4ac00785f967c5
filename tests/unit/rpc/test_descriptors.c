/* SPDX-License-Identifier: Apache-2.0 */
/* The index of descriptors: every prefix of a set is refused or read, and names are found in the right file. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>

#include "base/cleanup.h"
#include "rpc/descriptors.h"
#include "rpc/method.h"

extern const unsigned char proto_set[];
extern const size_t proto_set_size;

static struct str all(void)
{
	return (struct str){ (const char *)proto_set, proto_set_size };
}

static void every_service_is_in_it(void **state)
{
	struct descriptors *d;
	bool message = true;

	assert_int_equal(descriptors_new(all(), &d), 0);
	for (size_t i = 0; rpc_services[i]; i++) {
		const struct descriptor_file *f =
			descriptors_by_symbol(d, str_of(rpc_services[i]->name), &message);

		assert_non_null(f);
		assert_false(message);
		assert_ptr_equal(descriptors_by_name(d, f->name), f);
	}
	const struct descriptor_file *f = descriptors_by_symbol(d, STR("falco.outputs.response"),
								&message);
	assert_true(message);
	assert_int_equal(str_cmp(f->name, STR("outputs.proto")), 0);
	assert_non_null(f->imports[0]);
	assert_null(descriptors_by_symbol(d, STR("falco.outputs"), &message));
	assert_null(descriptors_by_name(d, STR("")));
	descriptors_free(d);
}

/* A set that is cut is refused unless the cut is between two files. */
static void damaged_sets_are_refused(void **state)
{
	size_t whole = 0;
	struct descriptors *d;

	for (size_t len = 0; len < proto_set_size; len++) {
		int r = descriptors_new(str_cut(all(), len), &d);

		if (r == 0) {
			whole++;
			assert_true(descriptors_count(d) < 32);
			descriptors_free(d);
		} else {
			assert_int_equal(r, -EBADMSG);
		}
	}
	assert_in_range(whole, 5, 32);
	static const char missing[] = "\x0a\x0a\x0a\x01"
				      "a\x1a\x05no.pb";
	assert_int_equal(descriptors_new((struct str){ missing, sizeof(missing) - 1 }, &d),
			 -EBADMSG);
	assert_int_equal(descriptors_new(STR("\x12\x01x"), &d), -EBADMSG);
	assert_int_equal(descriptors_new(STR("\x0a\xff\xff\xff\xff\xff\xff"), &d), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_service_is_in_it),
		cmocka_unit_test(damaged_sets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
