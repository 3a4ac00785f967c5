/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole journal on a disk that fails, hangs and loses power (faulty.h): what was promised is there
 * afterwards, what is missing is told, and no number is given twice.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "faulty.h"
#include "journal/journal.h"

enum { WAIT_MS = 20000 };

struct world {
	char dir[64];
	uv_loop_t loop;
	uv_timer_t timer;
	struct journal *j;
	struct journal_settings settings;
	uint64_t next; /* number of the next alert */
	unsigned failed, back;
	char why[200];
	struct gap missed;
	struct journal_page page;
	bool page_came;
	size_t size;	  /* of messages */
	uint64_t time_ns; /* 0: now */
};

static void on_failed(const char *text, struct gap missed, void *arg)
{
	struct world *w = arg;

	if (text) {
		w->failed++;
		snprintf(w->why, sizeof(w->why), "%s", text);
	} else {
		w->back++;
		w->missed = missed;
	}
}

static void on_timer(uv_timer_t *t)
{
}

static void open_journal(struct world *w)
{
	struct diag d;

	w->settings.dir = w->dir;
	w->settings.failed = on_failed;
	w->settings.arg = w;
	int r = journal_open(&w->loop, &w->settings, &w->j, &d);
	if (r)
		print_error("%s\n", d.text);
	assert_int_equal(r, 0);
	w->next = journal_first(w->j);
}

static void close_journal(struct world *w)
{
	w->j = journal_close(w->j);
	for (int i = 0; i < 10; i++)
		uv_run(&w->loop, UV_RUN_NOWAIT);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	faulty_set(FAULTY_FINE);
	faulty_keep_all();
	snprintf(w->dir, sizeof(w->dir), "/tmp/tiercel-journal-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	w->size = 100;
	uv_loop_init(&w->loop);
	uv_timer_init(&w->loop, &w->timer);
	uv_timer_start(&w->timer, on_timer, 1, 1);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	char command[100];

	faulty_set(FAULTY_FINE);
	close_journal(w);
	uv_close((uv_handle_t *)&w->timer, NULL);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	uv_loop_close(&w->loop);
	snprintf(command, sizeof(command), "%s", w->dir);
	char *const argv[] = { (char[]){ "rm" }, (char[]){ "-rf" }, command, NULL };
	pid_t pid = fork();
	if (pid == 0)
		execvp(argv[0], argv);
	waitpid(pid, NULL, 0);
	free(w);
	return 0;
}

/* Runs the loop until the condition holds. */
#define UNTIL(w, condition)                                                                        \
	do {                                                                                       \
		uint64_t end_ = clock_boot_ns() + WAIT_MS * NS_PER_MS;                             \
		while (!(condition) && clock_boot_ns() < end_)                                     \
			uv_run(&(w)->loop, UV_RUN_ONCE);                                           \
		assert_true(condition);                                                            \
	} while (0)

static int access_in(struct world *w, const char *name)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return access(path, F_OK);
}

/* False: there was no room. */
static bool put(struct world *w)
{
	char *text = malloc(w->size);

	memset(text, 'x', w->size);
	struct entry *e = entry_new(w->next, w->time_ns ? w->time_ns : clock_wall_ns(),
				    (struct str){ text, w->size });
	free(text);
	assert_non_null(e);
	int r = journal_put(w->j, e);
	entry_unref(e);
	w->next++;
	return r == 0;
}

static void put_all(struct world *w, uint64_t n)
{
	while (n--) {
		UNTIL(w, journal_room(w->j));
		assert_true(put(w));
	}
	UNTIL(w, journal_kept(w->j) == w->next - 1);
}

static void on_page(struct journal_page *p)
{
	((struct world *)p->owner)->page_came = true;
}

static const struct journal_page *read_page(struct world *w, enum journal_find find, uint64_t from,
					    uint64_t time_ns)
{
	for (size_t i = 0; i < w->page.n; i++)
		entry_unref(w->page.entries[i]);
	w->page = (struct journal_page){
		.find = find, .from = from, .time_ns = time_ns, .done = on_page, .owner = w
	};
	w->page_came = false;
	assert_int_equal(journal_read(w->j, &w->page), 0);
	UNTIL(w, w->page_came);
	return &w->page;
}

/* All numbers from `from` on, in order and whole: how many, the first and the last. */
static uint64_t read_all(struct world *w, uint64_t from, uint64_t *ret_first, uint64_t *ret_last)
{
	uint64_t n = 0, last = 0, first = 0;

	for (;;) {
		const struct journal_page *p = read_page(w, JOURNAL_FROM, from, 0);

		assert_int_equal(p->error, 0);
		for (size_t i = 0; i < p->n; i++) {
			assert_true(p->entries[i]->seq > last);
			last = p->entries[i]->seq;
			first = first ? first : last;
			n++;
		}
		if (!p->n)
			break;
		assert_int_equal(p->next, last + 1);
		from = p->next;
	}
	*ret_first = first;
	*ret_last = last;
	return n;
}

static void check_all(struct world *w, uint64_t first, uint64_t last)
{
	uint64_t a, b;

	assert_int_equal(read_all(w, 0, &a, &b), last - first + 1);
	assert_int_equal(a, first);
	assert_int_equal(b, last);
}

static void goes_on_after_a_clean_end(void **state)
{
	struct world *w = *state;

	open_journal(w);
	assert_int_equal(w->next, 1);
	uint64_t epoch = journal_epoch(w->j), oldest, newest;
	assert_true(epoch);
	put_all(w, 1000);
	close_journal(w);
	open_journal(w);
	assert_int_equal(w->next, 1001);
	assert_true(journal_epoch(w->j) == epoch);
	assert_int_equal(journal_gaps(w->j)->n, 0);
	journal_range(w->j, &oldest, &newest);
	assert_int_equal(oldest, 1);
	assert_int_equal(newest, 1000);
	put_all(w, 500);
	check_all(w, 1, 1500);
	assert_int_equal(read_page(w, JOURNAL_LAST, 10, 0)->next, 1491);
	assert_int_equal(read_page(w, JOURNAL_TIME, 0, clock_wall_ns() + NS_PER_SEC)->next, 1501);
	assert_int_equal(w->failed, 0);
}

/* The same run of the sensor, with another network process: alerts come again, the next number is the sensor's. */
static void is_told_the_numbers_of_a_run(void **state)
{
	struct world *w = *state;

	open_journal(w);
	put_all(w, 100);
	faulty_set(FAULTY_DEAD);
	close_journal(w);
	faulty_set(FAULTY_FINE);
	w->settings.first_seq = 1;
	open_journal(w);
	assert_int_equal(journal_gaps(w->j)->n, 0);
	w->next = 51;
	put_all(w, 100);
	check_all(w, 1, 150);
}

static void tells_what_is_missing(void **state)
{
	struct world *w = *state;

	open_journal(w);
	put_all(w, 10);
	journal_missed(w->j, (struct gap){ 11, 15, LOSS_OVERRUN });
	w->next = 16;
	put_all(w, 10);
	close_journal(w);
	open_journal(w);
	const struct gap *gap = gaps_find(journal_gaps(w->j), 1, 100);
	assert_non_null(gap);
	assert_true(gap->first == 11 && gap->last == 15 && gap->reason == LOSS_OVERRUN);
}

/* kill -9: all that was kept is there; the numbers behind it are not used again. */
static void outlives_a_kill(void **state)
{
	struct world *w = *state;

	for (int round = 0; round < 5; round++) {
		open_journal(w);
		uint64_t begin = w->next;
		put_all(w, 300);
		uint64_t kept = journal_kept(w->j), first, last;
		for (int i = 0; i < 200; i++) /* some that it is just about to write */
			put(w);
		uint64_t used = w->next - 1;
		faulty_set(FAULTY_DEAD);
		close_journal(w);
		faulty_keep_all();
		faulty_set(FAULTY_FINE);
		open_journal(w);
		read_all(w, begin, &first, &last);
		assert_int_equal(first, begin);
		assert_in_range(last, kept, used);
		assert_true(w->next > used);
		const struct gap *gap = gaps_find(journal_gaps(w->j), begin, w->next);
		assert_non_null(gap);
		assert_int_equal(gap->first, last + 1);
		assert_int_equal(gap->last, w->next - 1);
		assert_int_equal(gap->reason, LOSS_RESTART);
		close_journal(w);
	}
}

/*
 * The power goes at any moment, and the disk keeps any part of what was not synced: what is there is whole
 * and without holes, reaches at least to what was kept 100 ms (and, here, a loaded machine's time) ago, and no
 * number that could have been sent comes again.
 */
static void outlives_a_power_cut(void **state)
{
	struct world *w = *state;
	uint64_t epoch = 0;

	for (unsigned round = 0; round < 40; round++) {
		uint64_t first, last;

		open_journal(w);
		assert_true(!epoch || epoch == journal_epoch(w->j));
		epoch = journal_epoch(w->j);
		uint64_t begin = w->next;
		put_all(w, 1 + round * 37 % 500);
		/* What is kept now is synced after two more syncs: one may be under way. */
		uint64_t safe = round % 2 ? journal_kept(w->j) : 0, syncs = faulty_syncs();
		if (safe)
			UNTIL(w, (put_all(w, 1), faulty_syncs() >= syncs + 2));
		assert_true(w->next - begin < 10000); /* it was no reservation that synced */
		for (unsigned i = 0; i < round * 13 % 100; i++)
			put(w);
		uint64_t sent = journal_kept(w->j);
		faulty_set(FAULTY_DEAD);
		close_journal(w);
		faulty_cut_power(round % 4 * 33, round);
		faulty_set(FAULTY_FINE);
		open_journal(w);
		assert_true(w->next > sent);
		uint64_t n = read_all(w, begin, &first, &last);
		assert_true(last >= safe);
		assert_true(n == 0 || (first == begin && n == last - first + 1));
		const struct gap *gap = gaps_find(journal_gaps(w->j), n ? last + 1 : begin,
						  w->next - 1);
		assert_non_null(gap);
		assert_int_equal(gap->last, w->next - 1);
		close_journal(w);
		assert_int_equal(access_in(w, "alerts.db.damaged"), -1);
	}
}

static void check_gap(struct world *w)
{
	const struct gap *gap = gaps_find(journal_gaps(w->j), 1, w->next);

	assert_non_null(gap);
	assert_int_equal(gap->first, w->missed.first);
	assert_int_equal(gap->last, w->missed.last);
	assert_int_equal(gap->reason, LOSS_DISK);
}

static void row_of_faults(struct world *w, enum faulty_mode mode, bool flow, const char *why)
{
	open_journal(w);
	put_all(w, 100);
	faulty_set(mode);
	/* The stream goes on. */
	put_all(w, 100);
	UNTIL(w, w->failed == 1);
	assert_non_null(strstr(w->why, why));
	put_all(w, 100);
	faulty_set(FAULTY_FINE);
	/* It is tried again by itself, also while alerts keep coming. */
	if (flow)
		UNTIL(w, (put_all(w, 1), w->back == 1));
	else
		UNTIL(w, w->back == 1);
	assert_int_equal(w->missed.first, 101);
	assert_true(flow || w->missed.last == 300);
	put_all(w, 100);
	check_gap(w);
	uint64_t first, last, end = w->next;
	assert_int_equal(read_all(w, 0, &first, &last),
			 end - 1 - (w->missed.last - w->missed.first + 1));
	assert_int_equal(last, end - 1);
	/* It was written down, too. */
	close_journal(w);
	open_journal(w);
	check_gap(w);
	assert_int_equal(w->next, end);
}

static void goes_on_when_the_disk_is_full(void **state)
{
	row_of_faults(*state, FAULTY_FULL, true, strerror(ENOSPC));
}

static void goes_on_when_the_disk_fails(void **state)
{
	row_of_faults(*state, FAULTY_IO, false, strerror(EIO));
}

/* Nothing waits for a disk that hangs; what finds no room is a gap on disk. */
static void goes_on_when_the_disk_hangs(void **state)
{
	struct world *w = *state;
	uint64_t first, last;

	open_journal(w);
	put_all(w, 100);
	faulty_set(FAULTY_HANG);
	while (put(w))
		uv_run(&w->loop, UV_RUN_NOWAIT);
	uint64_t refused = w->next - 1;
	UNTIL(w, journal_kept(w->j) == refused);
	assert_int_equal(w->failed, 1);
	assert_non_null(strstr(w->why, "does not answer"));
	assert_true(journal_room(w->j));
	put(w);
	faulty_set(FAULTY_FINE);
	UNTIL(w, w->back == 1);
	put_all(w, 100);
	const struct gap *gap = gaps_find(journal_gaps(w->j), refused, refused);
	assert_non_null(gap);
	assert_int_equal(gap->reason, LOSS_DISK);
	UNTIL(w, (read_all(w, refused, &first, &last), last == w->next - 1));
	close_journal(w);
	open_journal(w);
	gap = gaps_find(journal_gaps(w->j), refused, refused);
	assert_non_null(gap);
	assert_int_equal(gap->reason, LOSS_DISK);
}

static void damage(const char *dir)
{
	char path[100], junk[4096];
	struct stat st;

	snprintf(path, sizeof(path), "%s/alerts.db", dir);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	memset(junk, 0xa5, sizeof(junk));
	for (off_t at = 0; at < st.st_size; at += (off_t)sizeof(junk))
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

/* A file that is damaged under way: a new one takes its place, its numbers are of a new epoch and go on. */
static void replaces_a_damaged_file(void **state)
{
	struct world *w = *state;
	uint64_t first, last;

	w->size = 1000;
	open_journal(w);
	uint64_t epoch = journal_epoch(w->j);
	put_all(w, 20000); /* most is in the file itself by then */
	close_journal(w);
	open_journal(w);
	damage(w->dir);
	put_all(w, 5000);
	UNTIL(w, w->failed >= 1 && w->back >= 1);
	assert_true(journal_epoch(w->j) != epoch);
	put_all(w, 100);
	uint64_t n = read_all(w, 0, &first, &last);
	assert_in_range(n, 100, 5100);
	assert_int_equal(last, 25100);
	assert_int_equal(access_in(w, "alerts.db.damaged"), 0);
}

static uint64_t disk_bytes(struct world *w)
{
	static const char *const ends[] = { "", "-wal" };
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		char path[100];
		struct stat st;

		snprintf(path, sizeof(path), "%s/alerts.db%s", w->dir, ends[i]);
		n += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
	}
	return n;
}

static void is_bounded_by_size(void **state)
{
	struct world *w = *state;
	uint64_t oldest = 0, newest = 0, first, last;

	w->size = 1000;
	w->settings.max_bytes = 4 << 20;
	open_journal(w);
	for (int i = 0; i < 40; i++) {
		put_all(w, 1000);
		journal_range(w->j, &oldest, &newest);
		assert_true(disk_bytes(w) < (12 << 20));
	}
	assert_int_equal(newest, 40000);
	assert_in_range(oldest, 40000 - 4400, 40000 - 2000);
	uint64_t n = read_all(w, 0, &first, &last);
	assert_int_equal(n, last - first + 1);
	close_journal(w);
	assert_true(disk_bytes(w) < (6 << 20));
	/* A smaller bound than last time. */
	w->settings.max_bytes = 1 << 20;
	open_journal(w);
	put_all(w, 3000);
	journal_range(w->j, &oldest, &newest);
	assert_in_range(oldest, 43000 - 1100, 43000 - 300);
}

static void is_bounded_by_age(void **state)
{
	struct world *w = *state;
	uint64_t oldest, newest;

	open_journal(w);
	w->time_ns = clock_wall_ns() - 7200 * NS_PER_SEC;
	put_all(w, 10000);
	w->time_ns = 0;
	put_all(w, 10);
	close_journal(w);
	w->settings.max_age_ns = 3600 * NS_PER_SEC;
	open_journal(w);
	put_all(w, 1);
	UNTIL(w, (put_all(w, 1), journal_range(w->j, &oldest, &newest), oldest == 10001));
}

static void keeps_marks(void **state)
{
	struct world *w = *state;
	struct str key;
	uint64_t next;
	size_t at = 0;
	char longest[JOURNAL_KEY_BYTES + 2];

	open_journal(w);
	assert_int_equal(journal_mark(w->j, STR("one")), 0);
	assert_int_equal(journal_set_mark(w->j, STR("one"), 5), 0);
	assert_int_equal(journal_set_mark(w->j, STR("one"), 7), 0);
	assert_int_equal(journal_set_mark(w->j, STR("two"), 9), 0);
	assert_int_equal(journal_mark(w->j, STR("one")), 7);
	UNTIL(w, journal_marked(w->j, STR("one")) == 7 && journal_marked(w->j, STR("two")) == 9);
	memset(longest, 'k', sizeof(longest));
	assert_int_equal(journal_set_mark(w->j, (struct str){ longest, JOURNAL_KEY_BYTES + 1 }, 1),
			 -EINVAL);
	faulty_set(FAULTY_DEAD);
	close_journal(w);
	faulty_set(FAULTY_FINE);
	open_journal(w);
	assert_int_equal(journal_mark(w->j, STR("one")), 7);
	assert_true(journal_next_mark(w->j, STR("t"), &at, &key, &next));
	assert_true(str_eqz(key, "two") && next == 9);
	assert_false(journal_next_mark(w->j, STR("t"), &at, &key, &next));
	/* Of too many, those unchanged for longest go. */
	for (int i = 0; i < JOURNAL_MARKS; i++) {
		char name[20];

		snprintf(name, sizeof(name), "mark %d", i);
		assert_int_equal(journal_set_mark(w->j, str_of(name), 1), 0);
		if (i % 100 == 0) {
			assert_int_equal(journal_set_mark(w->j, STR("two"), 10 + (uint64_t)i), 0);
			UNTIL(w, journal_marked(w->j, str_of(name)) == 1);
		}
	}
	assert_int_equal(journal_mark(w->j, STR("one")), 0);
	assert_true(journal_mark(w->j, STR("two")) > 9);
	UNTIL(w, journal_marked(w->j, STR("mark 4095")) == 1);
	close_journal(w);
	open_journal(w);
	assert_int_equal(journal_mark(w->j, STR("one")), 0);
	assert_int_equal(journal_mark(w->j, STR("mark 4095")), 1);
}

/* A mark that cannot be written is written when the disk is back. */
static void marks_outlive_faults(void **state)
{
	struct world *w = *state;

	open_journal(w);
	put_all(w, 1);
	faulty_set(FAULTY_FULL);
	put_all(w, 1);
	assert_int_equal(journal_set_mark(w->j, STR("m"), 2), 0);
	UNTIL(w, w->failed == 1);
	assert_int_equal(journal_marked(w->j, STR("m")), 0);
	faulty_set(FAULTY_FINE);
	UNTIL(w, journal_marked(w->j, STR("m")) == 2);
}

static void has_one_owner(void **state)
{
	struct world *w = *state;
	struct journal *other = NULL;
	struct diag d;

	open_journal(w);
	assert_int_equal(journal_open(&w->loop, &w->settings, &other, &d), -EBUSY);
	assert_non_null(strstr(d.text, "another server"));
	put_all(w, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(goes_on_after_a_clean_end),   TEST(is_told_the_numbers_of_a_run),
		TEST(tells_what_is_missing),	   TEST(outlives_a_kill),
		TEST(outlives_a_power_cut),	   TEST(goes_on_when_the_disk_is_full),
		TEST(goes_on_when_the_disk_fails), TEST(goes_on_when_the_disk_hangs),
		TEST(replaces_a_damaged_file),	   TEST(is_bounded_by_size),
		TEST(is_bounded_by_age),	   TEST(keeps_marks),
		TEST(marks_outlive_faults),	   TEST(has_one_owner),
	};

	faulty_install();
	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
