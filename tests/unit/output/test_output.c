/* SPDX-License-Identifier: Apache-2.0 */
/* Channels against files, programs, standard output, and outputs that hang or fail. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alert/alert.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/log.h"
#include "output/channel.h"
#include "output/lines.h"

static char dir[] = "/tmp/output-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static struct alert *make(struct str line)
{
	struct alert *a = malloc(sizeof(*a) + line.len);

	assert_non_null(a);
	*a = (struct alert){ .refs = 1, .wire = { .line_len = (uint32_t)line.len, .priority = 4 } };
	if (line.len)
		memcpy(a + 1, line.ptr, line.len);
	return a;
}

static bool put(struct channel *c, struct str line)
{
	struct alert *a = make(line);
	bool taken = channel_put(c, a);

	alert_unref(a);
	return taken;
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* Waits until n alerts are accounted for. */
static struct channel_counters settle(const struct channel *c, uint64_t n)
{
	struct channel_counters k;

	for (int i = 0; i < 5000; i++) {
		k = channel_counters(c);
		if (k.delivered + k.failed + k.dropped >= n)
			return k;
		sleep_ms(1);
	}
	fail_msg("only %llu of %llu alerts", (unsigned long long)(k.delivered + k.failed),
		 (unsigned long long)n);
	return k;
}

static void assert_file(const char *name, const char *wanted)
{
	struct strbuf b = { 0 };

	assert_int_equal(io_read_file(in_dir(name), 1 << 26, &b), 0);
	assert_string_equal(strbuf_z(&b), wanted);
	strbuf_done(&b);
}

static struct channel *file_channel(const char *name, bool keep_alive)
{
	struct channel *c = channel_start(&(struct output_settings){
		.ops = &output_file, .target = in_dir(name), .keep_alive = keep_alive });

	assert_non_null(c);
	return c;
}

static void files_are_appended_to_and_reopened(void **state)
{
	static const struct {
		bool keep_alive, reopen;
		const char *moved, *fresh;
	} rows[] = {
		{ false, false, "old\na\n", "b\n" },
		{ true, false, "old\na\nb\n", NULL },
		{ true, true, "old\na\n", "b\n" },
		{ false, true, "old\na\n", "b\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FILE *f = fopen(in_dir("f"), "w");
		fputs("old\n", f);
		fclose(f);
		struct channel *c = file_channel("f", rows[i].keep_alive);
		assert_true(put(c, STR("a")));
		settle(c, 1);
		/* Delivered is counted before the file is closed, which a stop would wait for. */
		sleep_ms(5);
		assert_int_equal(rename(in_dir("f"), in_dir("g")), 0);
		if (rows[i].reopen)
			channel_reopen(c);
		assert_true(put(c, STR("b")));
		channel_stop(c, 5000);
		assert_file("g", rows[i].moved);
		if (rows[i].fresh)
			assert_file("f", rows[i].fresh);
		else
			assert_int_not_equal(access(in_dir("f"), F_OK), 0);
		unlink(in_dir("f"));
		unlink(in_dir("g"));
	}
}

static void a_file_that_cannot_be_opened_is_counted(void **state)
{
	struct channel *c = file_channel("later/f", true);

	put(c, STR("lost"));
	put(c, STR("lost"));
	struct channel_counters k = settle(c, 2);
	assert_int_equal(k.failed, 2);
	assert_int_equal(mkdir(in_dir("later"), 0700), 0);
	put(c, STR("kept"));
	k = settle(c, 3);
	assert_int_equal(k.delivered, 1);
	channel_stop(c, 5000);
	assert_file("later/f", "kept\n");
}

static void every_alert_arrives_in_order(void **state)
{
	enum { ALERTS = 20000 };
	struct channel *c = file_channel("many", true);
	char line[32];
	unsigned taken = 0;

	for (unsigned i = 0; i < ALERTS; i++) {
		int n = snprintf(line, sizeof(line), "%u", i);
		taken += put(c, (struct str){ line, (size_t)n });
		if (i % 1000 == 0)
			sleep_ms(1);
		while (channel_counters(c).queued > LIMIT_QUEUE / 2)
			sleep_ms(1);
	}
	assert_int_equal(taken, ALERTS);
	channel_stop(c, 20000);
	FILE *f = fopen(in_dir("many"), "r");
	assert_non_null(f);
	for (unsigned i = 0, got; i < ALERTS; i++) {
		assert_int_equal(fscanf(f, "%u", &got), 1);
		assert_int_equal(got, i);
	}
	assert_int_equal(fgetc(f), '\n');
	assert_int_equal(fgetc(f), EOF);
	fclose(f);
}

static void bytes_pass_unchanged(void **state)
{
	static char big[64 << 10];
	static const struct {
		struct str line;
	} rows[] = {
		{ { "", 0 } },
		{ { "a\tb\x01\x7f", 5 } },
		{ { "\xff\xfe\xc3", 3 } },
		{ { big, sizeof(big) } },
	};
	struct strbuf wanted = { 0 };

	memset(big, 'x', sizeof(big));
	for (size_t k = 0; k < 2; k++) {
		struct channel *c = file_channel("bytes", k);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			put(c, rows[i].line);
			strbuf_add(&wanted, rows[i].line);
			strbuf_addc(&wanted, '\n');
		}
		channel_stop(c, 5000);
	}
	assert_file("bytes", strbuf_z(&wanted));
	strbuf_done(&wanted);
}

static void standard_output_gets_lines(void **state)
{
	fflush(stdout);
	int saved = dup(STDOUT_FILENO);
	int fd = open(in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(saved >= 0 && fd >= 0);
	dup2(fd, STDOUT_FILENO);
	struct channel *c = channel_start(&(struct output_settings){ .ops = &output_stdout });
	put(c, STR("one"));
	put(c, STR("two"));
	channel_stop(c, 5000);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	assert_file("out", "one\ntwo\n");
}

static void programs_get_lines(void **state)
{
	static char big[200 << 10];
	char cat[300], count[300];
	const struct {
		const char *command;
		bool keep_alive;
		struct str line;
		unsigned delivered, failed;
		const char *wanted; /* NULL: no file */
	} rows[] = {
		{ cat, true, STR("x"), 3, 0, "x\nx\nx\n" },
		{ cat, false, STR("x"), 3, 0, "x\nx\nx\n" },
		{ count, false, STR("x"), 3, 0, "1\n1\n1\n" },
		{ "true", false, { big, sizeof(big) }, 3, 0, NULL },
		{ "exit 3", false, STR("x"), 0, 3, NULL },
		{ "kill -9 $$", false, STR("x"), 0, 3, NULL },
		{ "exit 0", true, { big, sizeof(big) }, 0, 3, NULL },
	};

	memset(big, 'y', sizeof(big));
	snprintf(cat, sizeof(cat), "cat >> %s", in_dir("prog"));
	snprintf(count, sizeof(count), "wc -l >> %s", in_dir("prog"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct channel *c = channel_start(
			&(struct output_settings){ .ops = &output_program,
						   .target = rows[i].command,
						   .keep_alive = rows[i].keep_alive });
		for (unsigned n = 1; n <= 3; n++) {
			put(c, rows[i].line);
			struct channel_counters k = settle(c, n);
			if (n == 3 &&
			    (k.delivered != rows[i].delivered || k.failed != rows[i].failed))
				print_error("row %zu: %u %u\n", i, (unsigned)k.delivered,
					    (unsigned)k.failed);
			assert_true(n < 3 || (k.delivered == rows[i].delivered &&
					      k.failed == rows[i].failed));
		}
		channel_stop(c, 5000);
		if (rows[i].wanted)
			assert_file("prog", rows[i].wanted);
		unlink(in_dir("prog"));
	}
}

static void a_reopened_program_starts_anew(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "wc -l >> %s", in_dir("wc"));
	struct channel *c = channel_start(&(struct output_settings){
		.ops = &output_program, .target = command, .keep_alive = true });
	put(c, STR("a"));
	put(c, STR("b"));
	settle(c, 2);
	channel_reopen(c);
	put(c, STR("c"));
	channel_stop(c, 5000);
	assert_file("wc", "2\n1\n");
}

static void syslog_takes_alerts(void **state)
{
	struct channel *c = channel_start(
		&(struct output_settings){ .ops = &output_syslog, .target = "unit-test" });

	put(c, STR("a %s line"));
	assert_int_equal(settle(c, 1).delivered, 1);
	assert_string_equal(channel_name(c), "syslog");
	channel_stop(c, 5000);
}

/* An output that waits until it is let go. */
static sem_t entered, go;
static _Atomic unsigned closed;

static struct output *gate_open(const struct output_settings *s)
{
	return malloc(1);
}

static int gate_write(struct output *o, struct str line, int priority)
{
	sem_post(&entered);
	sem_wait(&go);
	return 0;
}

static int gate_flush(struct output *o)
{
	return 0;
}

static void gate_close(struct output *o)
{
	free(o);
	closed++;
}

static const struct output_ops gate = { .name = "gate",
					.open = gate_open,
					.write = gate_write,
					.flush = gate_flush,
					.close = gate_close };

static void a_full_queue_drops_the_newest(void **state)
{
	struct channel *c = channel_start(&(struct output_settings){ .ops = &gate, .capacity = 4 });

	closed = 0;
	assert_true(put(c, STR("in the output")));
	sem_wait(&entered);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(put(c, STR("x")), i < 4);
	assert_int_equal(channel_counters(c).dropped, 2);
	assert_int_equal(channel_counters(c).queued, 4);
	for (unsigned i = 0; i < 5; i++)
		sem_post(&go);
	assert_int_equal(settle(c, 7).delivered, 5);
	channel_stop(c, 5000);
	assert_int_equal(closed, 1);
	while (sem_trywait(&entered) == 0)
		;
}

static void an_output_that_hangs_is_left_behind(void **state)
{
	struct channel *c = channel_start(&(struct output_settings){ .ops = &gate, .capacity = 4 });

	closed = 0;
	put(c, STR("a"));
	sem_wait(&entered);
	put(c, STR("b"));
	channel_stop(c, 20);
	assert_int_equal(closed, 0);
	sem_post(&go);
	for (int i = 0; i < 5000 && !closed; i++)
		sleep_ms(1);
	assert_int_equal(closed, 1);
	assert_int_not_equal(sem_trywait(&entered), 0);
}

static void a_torn_line_is_ended(void **state)
{
	struct rlimit before;
	struct lines l = { 0 };
	int fd = open(in_dir("torn"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	getrlimit(RLIMIT_FSIZE, &before);
	sigaction(SIGXFSZ, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){ .rlim_cur = 8, .rlim_max = before.rlim_max });
	assert_int_equal(lines_add(&l, STR("hello")), 0);
	assert_int_equal(lines_add(&l, STR("world")), 0);
	assert_int_equal(lines_send(&l, fd), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(lines_send(&l, fd), 0);
	assert_int_equal(lines_add(&l, STR("again")), 0);
	assert_int_equal(lines_send(&l, fd), 0);
	assert_int_equal(lines_add(&l, STR("more")), 0);
	assert_int_equal(lines_send(&l, fd), 0);
	lines_done(&l);
	close(fd);
	assert_file("torn", "hello\nwo\nagain\nmore\n");
}

static void outputs_are_found(void **state)
{
	assert_ptr_equal(output_find(STR("file")), &output_file);
	assert_ptr_equal(output_find(STR("program")), &output_program);
	assert_null(output_find(STR("pigeon")));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int clean_up(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_appended_to_and_reopened),
		cmocka_unit_test(a_file_that_cannot_be_opened_is_counted),
		cmocka_unit_test(every_alert_arrives_in_order),
		cmocka_unit_test(bytes_pass_unchanged),
		cmocka_unit_test(standard_output_gets_lines),
		cmocka_unit_test(programs_get_lines),
		cmocka_unit_test(a_reopened_program_starts_anew),
		cmocka_unit_test(syslog_takes_alerts),
		cmocka_unit_test(a_full_queue_drops_the_newest),
		cmocka_unit_test(an_output_that_hangs_is_left_behind),
		cmocka_unit_test(a_torn_line_is_ended),
		cmocka_unit_test(outputs_are_found),
	};

	log_init(&(struct log_settings){ .level = LOG_LEVEL_EMERGENCY });
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, clean_up);
}
