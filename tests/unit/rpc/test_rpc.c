/* SPDX-License-Identifier: Apache-2.0 */
/* What the server keeps: the table of methods, the backlog, the cursors. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>

#include <grpc/grpc.h>

#include "base/cleanup.h"
#include "rpc/backlog.h"
#include "rpc/cursors.h"
#include "rpc/method.h"

static void every_method_has_a_row(void **state)
{
	for (size_t i = 0; rpc_services[i]; i++)
		for (unsigned m = 0; m < rpc_services[i]->n_methods; m++) {
			char path[200];

			snprintf(path, sizeof(path), "/%s/%s", rpc_services[i]->name,
				 rpc_services[i]->methods[m].name);
			const struct rpc_method *row = rpc_method_find(str_of(path));
			assert_non_null(row);
			assert_non_null(row->request);
			assert_ptr_equal(rpc_method_descriptor(row), &rpc_services[i]->methods[m]);
		}
	static const char *const none[] = { "",
					    "/",
					    "//",
					    "falco.outputs.service/sub",
					    "/falco.outputs.service",
					    "/falco.outputs.service/",
					    "/falco.outputs.service/sub/",
					    "/x/sub" };
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_null(rpc_method_find(str_of(none[i])));
}

static void add(struct backlog *b, uint64_t seq, size_t len)
{
	static const char text[1000];
	struct entry *e = entry_new(seq, seq * 1000, (struct str){ text, len });

	assert_non_null(e);
	backlog_add(b, e);
	entry_unref(e);
}

static void backlog_is_bounded(void **state)
{
	struct backlog b;

	assert_int_equal(backlog_init(&b, 10, 1 << 20), 0);
	assert_int_equal(backlog_find(&b, 1), 0);
	for (uint64_t seq = 1; seq <= 100; seq++)
		add(&b, seq * 2, seq);
	assert_int_equal(b.end - b.first, 10);
	assert_int_equal(backlog_get(&b, b.first)->seq, 182);
	assert_int_equal(backlog_find(&b, 1), b.first);
	assert_int_equal(backlog_find(&b, 182), b.first);
	assert_int_equal(backlog_find(&b, 183), b.first + 1);
	assert_int_equal(backlog_find(&b, 200), b.end - 1);
	assert_int_equal(backlog_find(&b, 201), b.end);
	assert_int_equal(backlog_find_time(&b, 183 * 1000), b.first + 1);
	/* What the journal does not have is not shown; showing never goes back. */
	assert_int_equal(b.shown, 0);
	backlog_show(&b, 183);
	assert_int_equal(b.shown, b.first + 1);
	assert_int_equal(b.shown_seq, 183);
	backlog_show(&b, 10);
	assert_int_equal(b.shown, b.first + 1);
	backlog_show(&b, 200);
	assert_int_equal(b.shown, b.end);
	/* A stream may hold what the backlog drops. */
	grpc_slice held = grpc_slice_ref(backlog_get(&b, b.first)->message);
	backlog_done(&b);
	assert_int_equal(GRPC_SLICE_LENGTH(held), 91);
	grpc_slice_unref(held);

	assert_int_equal(backlog_init(&b, 1000, 10000), 0);
	for (uint64_t seq = 1; seq <= 100; seq++) {
		add(&b, seq, 1000);
		assert_in_range(b.bytes, 1000, 10000);
	}
	assert_in_range(b.end - b.first, 7, 9);
	backlog_done(&b);
}

static void cursors_resume_at_the_least(void **state)
{
	struct cursors *c = cursors_new();

	assert_non_null(c);
	assert_int_equal(cursors_take(c, "a"), 0);
	assert_int_equal(cursors_release(c, "a", 100), 0);
	assert_int_equal(cursors_release(c, "a", 50), 0);
	assert_int_equal(cursors_take(c, "b"), 0);
	assert_int_equal(cursors_take(c, "a"), 50);
	assert_int_equal(cursors_take(c, "a"), 100);
	assert_int_equal(cursors_take(c, "a"), 0);
	/* Of too many the least stay. */
	for (uint64_t i = 2 * CURSORS_EACH; i; i--)
		assert_int_equal(cursors_release(c, "a", i), 0);
	for (uint64_t i = 1; i <= CURSORS_EACH; i++)
		assert_int_equal(cursors_take(c, "a"), i);
	assert_int_equal(cursors_take(c, "a"), 0);
	/* Of too many identities the ones seen last stay. */
	for (unsigned i = 0; i < 2 * CURSORS_IDENTITIES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "id:%u", i);
		assert_int_equal(cursors_release(c, name, i + 1), 0);
	}
	assert_int_equal(cursors_take(c, "id:0"), 0);
	assert_int_equal(cursors_take(c, "id:2047"), 2048);
	cursors_free(c);
}

static const char *saved_identity;
static uint64_t saved_next;
static unsigned saved_n;

static void save(const char *identity, uint64_t next, void *ctx)
{
	saved_identity = identity;
	saved_next = next;
	saved_n++;
}

static void cursors_outlive_the_server(void **state)
{
	struct cursors *c = cursors_new();

	/* All streams of an identity go on where the least was, until they give something back. */
	assert_int_equal(cursors_load(c, "a", 40), 0);
	assert_int_equal(cursors_take(c, "a"), 40);
	assert_int_equal(cursors_take(c, "a"), 40);
	assert_int_equal(cursors_release(c, "a", 70), 0);
	cursors_save_begin(c);
	cursors_save_live(c, "a", 60);
	cursors_save_end(c, save, NULL);
	assert_string_equal(saved_identity, "a");
	assert_int_equal(saved_next, 60);
	cursors_save_begin(c);
	cursors_save_live(c, "a", 60);
	cursors_save_end(c, save, NULL);
	assert_int_equal(saved_n, 1); /* nothing new */
	assert_int_equal(cursors_take(c, "a"), 70);
	cursors_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_has_a_row),
		cmocka_unit_test(backlog_is_bounded),
		cmocka_unit_test(cursors_resume_at_the_least),
		cmocka_unit_test(cursors_outlive_the_server),
	};

	grpc_init();
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	grpc_shutdown_blocking();
	return r;
}
