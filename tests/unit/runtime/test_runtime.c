/* SPDX-License-Identifier: Apache-2.0 */
/* Asking, against runtimes that answer, hang, lie, go and come. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "event/event.h"
#include "fake_docker.h"
#include "runtime/info.h"
#include "runtime/runtime.h"

enum { WAIT_MS = 300, PATIENCE_S = 30 };

static char dir[] = "/tmp/runtime-test-XXXXXX";
static char first[64], second[64];

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void woken(void *ctx)
{
}

static struct runtime *start(const char *host_root, size_t nsockets)
{
	const struct runtime_socket sockets[] = { { RUNTIME_DOCKER, first },
						  { RUNTIME_PODMAN, second } };
	const struct runtime_options o = { .sockets = sockets,
					   .nsockets = nsockets,
					   .host_root = host_root,
					   .wait_ns = WAIT_MS * UINT64_C(1000000),
					   .wake = woken };
	struct runtime *rt;

	assert_int_equal(runtime_start(&o, &rt), 0);
	return rt;
}

static void stop(struct runtime *rt)
{
	struct rec_hdr *rec;

	runtime_stop(rt);
	while ((rec = runtime_take(rt)))
		free(rec);
	runtime_free(rt);
}

static char *id_of(unsigned n)
{
	static char ids[4][65];
	static unsigned turn;
	char *id = ids[turn++ % 4];

	snprintf(id, 65, "%012x%052x", n, n);
	return id;
}

static void ask(struct runtime *rt, unsigned n)
{
	struct str full = str_of(id_of(n));

	assert_true(runtime_ask(rt, &(struct runtime_question){ .id = str_cut(full, 12),
								.full_id = full,
								.type = "docker" }));
}

static unsigned number_of(struct str digits)
{
	unsigned n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = n * 16 +
		    (unsigned)(strchr("0123456789abcdef", digits.ptr[i]) - "0123456789abcdef");
	return n;
}

enum told { UNKNOWN, PART, WHOLE, GONE };

/* The next answer: what it tells, and of which container. */
static enum told next(struct runtime *rt, unsigned *ret_n)
{
	uint64_t end = clock_boot_ns() + PATIENCE_S * NS_PER_SEC;
	struct rec_hdr *rec;
	struct arena a = { 0 };
	struct info in;
	struct event e;

	while (!(rec = runtime_take(rt))) {
		assert_true(clock_boot_ns() < end);
		pause_ms(1);
	}
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(info_parse(e.params[1], &a, &in), 0);
	if (ret_n)
		*ret_n = number_of(str_cut(e.params[0], 12));
	enum told told = in.gone ? GONE : !in.name.ptr ? UNKNOWN : in.partial ? PART : WHOLE;

	if (told == WHOLE)
		assert_true(str_ends(in.name, in.full_id) && str_eqz(in.repository, "r/web"));
	arena_done(&a);
	free(rec);
	return told;
}

static struct runtime_counters counters(const struct runtime *rt)
{
	struct runtime_counters n;

	runtime_counters(rt, &n);
	return n;
}

static void each_is_asked_for_once(void **state)
{
	enum { N = 200 };
	struct fake_docker d;
	bool got[N] = { false };

	fake_docker_start(&d, first);
	struct runtime *rt = start("", 1);

	for (unsigned i = 0; i < N; i++)
		ask(rt, i);
	for (unsigned i = 0, n; i < N; i++) {
		assert_int_equal(next(rt, &n), WHOLE);
		assert_true(n < N && !got[n]);
		got[n] = true;
	}
	/* Asked while the answer was on its way, or told by the runtime too: it is known. */
	ask(rt, 7);
	char line[256];

	snprintf(line, sizeof(line),
		 "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"%s\","
		 "\"Attributes\":{\"name\":\"n\",\"image\":\"r/web:1\"}}}",
		 id_of(8));
	fake_docker_tell(&d, line);
	ask(rt, N);
	assert_int_equal(next(rt, NULL), WHOLE);
	assert_int_equal(atomic_load(&d.inspections), N + 1);
	assert_int_equal(counters(rt).requests[RUNTIME_DOCKER], N + 1);
	assert_int_equal(counters(rt).found, N + 1);
	assert_int_equal(counters(rt).failures[RUNTIME_DOCKER], 0);
	stop(rt);
	fake_docker_stop(&d);
}

/* Whatever it does, an answer comes, asking becomes seldom, and another runtime is not kept waiting. */
static void a_bad_runtime_costs_nobody_else(void **state)
{
	static const struct {
		enum fake_mode mode;
		bool fails;
	} rows[] = {
		{ FAKE_NOT_FOUND, false }, { FAKE_ERROR, true },  { FAKE_HANGS, false },
		{ FAKE_HALF, false },	   { FAKE_CLOSES, true }, { FAKE_GARBAGE, true },
		{ FAKE_NO_JSON, true },	   { FAKE_HUGE, true },	  { FAKE_DEEP, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_docker bad, good;

		fake_docker_start(&bad, first);
		fake_docker_start(&good, second);
		atomic_store(&bad.mode, rows[i].mode);
		struct runtime *rt = start("", 2);

		for (unsigned n = 0; n < 20; n++)
			ask(rt, n);
		for (unsigned n = 0; n < 20; n++)
			assert_int_equal(next(rt, NULL), WHOLE);
		atomic_store(&good.mode, FAKE_NOT_FOUND);
		ask(rt, 99);
		assert_int_equal(next(rt, NULL), UNKNOWN);
		assert_int_equal(counters(rt).unknown, 1);
		uint64_t end = clock_boot_ns() + PATIENCE_S * NS_PER_SEC;

		while (rows[i].fails && !counters(rt).failures[RUNTIME_DOCKER]) {
			assert_true(clock_boot_ns() < end);
			pause_ms(1);
		}
		assert_true(rows[i].fails || !counters(rt).failures[RUNTIME_DOCKER]);
		/* One round of the twenty, and some more of the last. */
		assert_in_range(atomic_load(&bad.inspections), 1, 40);
		stop(rt);
		fake_docker_stop(&bad);
		fake_docker_stop(&good);
	}
}

/* An error about one container says nothing of others. */
static void an_error_is_about_one(void **state)
{
	struct fake_docker d;

	fake_docker_start(&d, first);
	atomic_store(&d.mode, FAKE_ERROR);
	struct runtime *rt = start("", 1);

	ask(rt, 1);
	while (!atomic_load(&d.inspections))
		pause_ms(1);
	atomic_store(&d.mode, FAKE_FOUND);
	ask(rt, 2);
	assert_int_equal(next(rt, NULL), WHOLE);
	assert_int_equal(next(rt, NULL), WHOLE);
	stop(rt);
	fake_docker_stop(&d);
}

/* Nobody listens behind the socket any more: told so in the time that events wait. */
static void a_dead_socket_refuses(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", first);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	struct runtime *rt = start("", 1);

	for (unsigned n = 0; n < 50; n++)
		ask(rt, n);
	for (unsigned n = 0; n < 50; n++)
		assert_int_equal(next(rt, NULL), UNKNOWN);
	/* A handful of requests for all of them, for the socket is left alone between. */
	assert_in_range(counters(rt).requests[RUNTIME_DOCKER], 1, 49);
	assert_true(counters(rt).failures[RUNTIME_DOCKER] > 0);
	/* As soon as a runtime is there again, all are asked for once more. */
	close(fd);
	unlink(first);
	struct fake_docker d;

	fake_docker_start(&d, first);
	for (unsigned n = 0; n < 50; n++)
		assert_int_equal(next(rt, NULL), WHOLE);
	stop(rt);
	fake_docker_stop(&d);
}

static void nobody_to_ask(void **state)
{
	struct runtime *rt = start("", 2);
	uint64_t begun = clock_boot_ns();

	ask(rt, 1);
	assert_int_equal(next(rt, NULL), UNKNOWN);
	/* At once: there is nothing to wait for. (Twice the wait is what a loaded machine may add.) */
	assert_true(clock_boot_ns() - begun < PATIENCE_S * NS_PER_SEC);
	assert_int_equal(counters(rt).requests[RUNTIME_DOCKER], 0);
	assert_false(
		runtime_ask(rt, &(struct runtime_question){ .id = STR("web"), .type = "lxc" }));
	stop(rt);
}

static void sockets_come_go_and_come_again(void **state)
{
	struct runtime *rt = start("", 1);
	struct fake_docker d;

	ask(rt, 1);
	assert_int_equal(next(rt, NULL), UNKNOWN);
	for (unsigned round = 0; round < 3; round++) {
		fake_docker_start(&d, first);
		if (round == 0)
			assert_int_equal(next(rt, NULL), WHOLE); /* the one of before the start */
		/* Its events are listened to again. */
		char line[256];

		snprintf(line, sizeof(line),
			 "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"%s\","
			 "\"Attributes\":{\"name\":\"n\",\"image\":\"r/web:1\"}}}",
			 id_of(10 + round));
		fake_docker_tell(&d, line);
		assert_int_equal(next(rt, NULL), PART);
		assert_int_equal(next(rt, NULL), WHOLE);
		fake_docker_stop(&d);
	}
	stop(rt);
}

/* What the event told is there at once, and all there is when the container is gone. */
static void a_short_life(void **state)
{
	struct fake_docker d;
	char line[256];

	struct fake_docker other;

	fake_docker_start(&d, first);
	fake_docker_start(&other, second);
	atomic_store(&d.mode, FAKE_NOT_FOUND);
	struct runtime *rt = start("", 2);

	snprintf(line, sizeof(line),
		 "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"%s\","
		 "\"Attributes\":{\"name\":\"n\",\"image\":\"r/web:1\"}}}",
		 id_of(1));
	fake_docker_tell(&d, line);
	assert_int_equal(next(rt, NULL), PART);
	ask(rt, 1);
	assert_int_equal(next(rt, NULL), UNKNOWN); /* no more of it */
	/* It is that one's, so no other is asked. */
	assert_int_equal(atomic_load(&other.inspections), 0);
	snprintf(line, sizeof(line),
		 "{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"%s\"}}",
		 id_of(1));
	fake_docker_tell(&d, line);
	assert_int_equal(next(rt, NULL), GONE);
	stop(rt);
	fake_docker_stop(&other);
	fake_docker_stop(&d);
}

static void sockets_are_below_the_host_root(void **state)
{
	char path[128];
	struct fake_docker d;

	snprintf(path, sizeof(path), "%s/host", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/host%s", dir, dir);
	char *tmp = strrchr(path, '/');

	*tmp = 0;
	assert_int_equal(mkdir(path, 0700), 0);
	*tmp = '/';
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/host%s", dir, first);
	fake_docker_start(&d, path);
	snprintf(path, sizeof(path), "%s/host", dir);
	struct runtime *rt = start(path, 1);

	ask(rt, 1);
	assert_int_equal(next(rt, NULL), WHOLE);
	stop(rt);
	fake_docker_stop(&d);
}

/* Ids end up in a path of HTTP: only what runtimes make goes there. */
static void odd_ids_are_not_asked_for(void **state)
{
	static const char *const ids[] = { "../../x", "a b", "a\r\nHost: x", "a/b", "?x", ".." };
	struct fake_docker d;

	fake_docker_start(&d, first);
	struct runtime *rt = start("", 1);

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_true(runtime_ask(rt, &(struct runtime_question){ .id = str_of(ids[i]),
									.full_id = str_of(ids[i]),
									.type = "docker" }));
		assert_int_equal(next(rt, NULL), UNKNOWN);
	}
	assert_int_equal(atomic_load(&d.inspections), 0);
	stop(rt);
	fake_docker_stop(&d);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(first, sizeof(first), "%s/first", dir);
	snprintf(second, sizeof(second), "%s/second", dir);
	return 0;
}

static int clean(void **state)
{
	unlink(first);
	unlink(second);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	/* host/tmp/NAME, host/tmp, host */
	snprintf(command, sizeof(command), "%s/host%s", dir, dir);
	for (unsigned i = 0; i < 3; i++) {
		rmdir(command);
		*strrchr(command, '/') = 0;
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(each_is_asked_for_once, clean),
		cmocka_unit_test_teardown(a_bad_runtime_costs_nobody_else, clean),
		cmocka_unit_test_teardown(an_error_is_about_one, clean),
		cmocka_unit_test_teardown(a_dead_socket_refuses, clean),
		cmocka_unit_test_teardown(nobody_to_ask, clean),
		cmocka_unit_test_teardown(sockets_come_go_and_come_again, clean),
		cmocka_unit_test_teardown(a_short_life, clean),
		cmocka_unit_test_teardown(sockets_are_below_the_host_root, clean),
		cmocka_unit_test_teardown(odd_ids_are_not_asked_for, clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
