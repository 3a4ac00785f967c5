/* SPDX-License-Identifier: Apache-2.0 */
/* The file by itself: what goes in comes out, is found by number and time, and is taken out at the old end. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "journal/db.h"

static char dir[] = "/tmp/tiercel-db-XXXXXX";

static struct db *open_db(void)
{
	struct db *db = NULL;
	struct diag d;

	assert_int_equal(db_open(dir, &db, &d), 0);
	return db;
}

static int make(void **state)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return mkdtemp(dir) ? 0 : -1;
}

static int clear(void **state)
{
	static const char *const names[] = {
		"alerts.db",	     "alerts.db-wal",	      "alerts.db-shm",
		"alerts.db.damaged", "alerts.db.damaged-wal", "alerts.db.damaged-shm"
	};
	char path[200];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

/* Numbers from first to last; every tenth is missing. */
static void fill(struct db *db, uint64_t first, uint64_t last)
{
	assert_int_equal(db_begin(db), 0);
	for (uint64_t seq = first; seq <= last; seq++) {
		char text[32];
		snprintf(text, sizeof(text), "alert %llu", (unsigned long long)seq);
		struct entry *e = entry_new(seq, seq * 1000, str_of(text));

		assert_non_null(e);
		if (seq % 10)
			assert_int_equal(db_put(db, e), 0);
		entry_unref(e);
	}
	assert_int_equal(db_commit(db), 0);
}

static void reads_by_number(void **state)
{
	struct entry *e[100];
	struct db *db = open_db();
	size_t n;

	fill(db, 1, 100);
	assert_int_equal(db_read(db, 1, 1000, 100, 1 << 20, e, &n), 0);
	assert_int_equal(n, 90);
	for (size_t i = 0; i < n; i++) {
		char text[32];
		snprintf(text, sizeof(text), "alert %llu", (unsigned long long)e[i]->seq);
		assert_true(str_eqz(entry_message(e[i]), text));
		assert_int_equal(e[i]->time_ns, e[i]->seq * 1000);
		assert_true(i == 0 || e[i]->seq > e[i - 1]->seq);
	}
	while (n)
		entry_unref(e[--n]);
	/* By pages: of so many, and of so many bytes but at least one. */
	assert_int_equal(db_read(db, 30, 1000, 7, 1 << 20, e, &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(e[0]->seq, 31);
	while (n)
		entry_unref(e[--n]);
	assert_int_equal(db_read(db, 30, 1000, 7, 1, e, &n), 0);
	assert_int_equal(n, 1);
	entry_unref(e[0]);
	assert_int_equal(db_read(db, 30, 30, 7, 1 << 20, e, &n), 0);
	assert_int_equal(n, 0);
	db_close(db);
}

static void finds_places(void **state)
{
	static const struct {
		uint64_t time, seq;
	} times[] = { { 0, 1 },	     { 1000, 1 },   { 1001, 2 },   { 9000, 9 },
		      { 10000, 11 }, { 55500, 56 }, { 99000, 99 }, { 99001, 0 } };
	static const struct {
		uint64_t n, seq;
	} lasts[] = { { 1, 99 }, { 9, 91 }, { 10, 89 }, { 90, 1 }, { 91, 1 }, { UINT64_MAX, 1 } };
	struct db *db = open_db();
	uint64_t seq = 77;

	assert_int_equal(db_find_time(db, 5, &seq), 0);
	assert_int_equal(seq, 0);
	assert_int_equal(db_find_last(db, 5, &seq), 0);
	assert_int_equal(seq, 0);
	fill(db, 1, 100);
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		assert_int_equal(db_find_time(db, times[i].time, &seq), 0);
		/* A number that is missing may be named: what comes behind it is meant. */
		assert_true(seq == times[i].seq || (seq == 10 && times[i].seq == 11));
	}
	for (size_t i = 0; i < ARRAY_SIZE(lasts); i++) {
		assert_int_equal(db_find_last(db, lasts[i].n, &seq), 0);
		assert_int_equal(seq, lasts[i].seq);
	}
	db_close(db);
}

static void trims_the_oldest(void **state)
{
	struct db *db = open_db();
	struct db_state st;
	struct gaps *gaps = calloc(1, sizeof(*gaps));
	uint64_t oldest = 0;

	assert_non_null(gaps);
	fill(db, 1, 100);
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_put_gap(db, &(struct gap){ 10, 10, LOSS_OVERRUN }), 0);
	assert_int_equal(db_put_gap(db, &(struct gap){ 90, 90, LOSS_DISK }), 0);
	assert_int_equal(db_trim(db, 20, 0, &oldest), 0);
	assert_int_equal(oldest, 21);
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(db_gaps(db, gaps), 0);
	assert_int_equal(gaps->n, 1);
	assert_int_equal(gaps->items[0].reason, LOSS_DISK);
	/* By time: no more than asked for at once, nothing that is young enough. */
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_trim(db, 5, 50000, &oldest), 0);
	assert_int_equal(oldest, 26);
	assert_int_equal(db_trim(db, 500, 50000, &oldest), 0);
	assert_int_equal(oldest, 51);
	assert_int_equal(db_trim(db, 500, 50000, &oldest), 0);
	assert_int_equal(oldest, 51);
	assert_int_equal(db_trim(db, 500, UINT64_MAX, &oldest), 0);
	assert_int_equal(oldest, 0);
	assert_int_equal(db_commit(db), 0);
	assert_int_equal(db_state(db, &st), 0);
	assert_int_equal(st.newest, 0);
	free(gaps);
	db_close(db);
}

struct marks {
	char text[200];
};

static void see_mark(struct str key, uint64_t next, void *ctx)
{
	struct marks *m = ctx;
	size_t n = strlen(m->text);

	snprintf(m->text + n, sizeof(m->text) - n, STR_FMT "=%llu ", STR_ARG(key),
		 (unsigned long long)next);
}

static void keeps_marks_and_state(void **state)
{
	struct db *db = open_db();
	struct marks m = { "" };
	struct db_state st;

	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_put_mark(db, STR("a"), 5, 100), 0);
	assert_int_equal(db_put_mark(db, STR("b"), 6, 101), 0);
	assert_int_equal(db_put_mark(db, STR("c"), 7, 102), 0);
	assert_int_equal(db_put_mark(db, STR("a"), 8, 103), 0);
	assert_int_equal(db_put_mark(db, STR("b"), 0, 104), 0);
	assert_int_equal(db_put_state(db, "epoch", UINT64_C(1) << 63), 0);
	assert_int_equal(db_commit(db), 0);
	/* What was begun and not committed never was. */
	assert_int_equal(db_begin(db), 0);
	assert_int_equal(db_put_state(db, "reserved", 99), 0);
	db_rollback(db);
	db_close(db);
	db = open_db();
	assert_int_equal(db_marks(db, see_mark, &m), 0);
	assert_string_equal(m.text, "c=7 a=8 ");
	assert_int_equal(db_state(db, &st), 0);
	assert_true(st.epoch == UINT64_C(1) << 63 && st.reserved == 0 && st.next == 0);
	db_close(db);
}

static void overwrite(size_t at, size_t n)
{
	char path[200], junk[4096];

	snprintf(path, sizeof(path), "%s/alerts.db", dir);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
	assert_int_equal(fwrite(junk, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void says_damaged(void **state)
{
	struct db *db = open_db();
	struct diag d;

	fill(db, 1, 1000);
	db_close(db);
	overwrite(0, 100);
	assert_int_equal(db_open(dir, &db, &d), DB_E_DAMAGED);
	assert_int_equal(db_move_aside(dir), 0);
	db = open_db();
	fill(db, 1, 1000);
	db_close(db);
	/* Of another program, by its number in the header (SQLite's file format, 1.3). */
	overwrite(68, 4);
	assert_int_equal(db_open(dir, &db, &d), DB_E_DAMAGED);
	assert_int_equal(db_move_aside(dir), 0);
	/* A directory that is not there. */
	assert_true(db_open("/tmp/tiercel-db-none", &db, &d) < 0);
	assert_non_null(strstr(d.text, "/tmp/tiercel-db-none/alerts.db"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_by_number, make, clear),
		cmocka_unit_test_setup_teardown(finds_places, make, clear),
		cmocka_unit_test_setup_teardown(trims_the_oldest, make, clear),
		cmocka_unit_test_setup_teardown(keeps_marks_and_state, make, clear),
		cmocka_unit_test_setup_teardown(says_damaged, make, clear),
	};

	return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
