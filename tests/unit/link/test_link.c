/* SPDX-License-Identifier: Apache-2.0 */
/* The ring between the processes: order, wrapping, overruns, restarts, and a reader that means harm. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "link/link.h"

enum { RING = 8192 };

static struct link_writer *writer_new(size_t bytes)
{
	struct link_writer *w = NULL;

	assert_int_equal(link_writer_new(bytes, &w), 0);
	return w;
}

static struct link_reader *reader_of(struct link_writer *w)
{
	struct link_reader *r = NULL;

	assert_int_equal(link_reader_new(link_writer_ring_fd(w), link_writer_event_fd(w), &r), 0);
	return r;
}

static void put(struct link_writer *w, uint64_t seq, size_t len)
{
	char block[4096];

	memset(block, (int)('a' + seq % 26), len);
	assert_int_equal(link_write(w, seq, (struct str){ block, len }), 0);
}

/* Reads all; checks contents; returns how many, and the sum of what was missed. */
static size_t drain(struct link_reader *r, uint64_t first, uint64_t *missed)
{
	_Alignas(8) char out[4096];
	uint64_t seq, gap;
	size_t len, n = 0;
	int e;

	*missed = 0;
	while ((e = link_read(r, out, sizeof(out), &seq, &len, &gap)) == 1) {
		first += gap;
		*missed += gap;
		assert_int_equal(seq, first++);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(out[i], (int)('a' + seq % 26));
		n++;
	}
	assert_int_equal(e, 0);
	return n;
}

static void wraps_around(void **state)
{
	struct link_writer *w = writer_new(RING);
	struct link_reader *r = reader_of(w);
	uint64_t missed;

	for (uint64_t seq = 1; seq < 500; seq++) {
		put(w, seq, seq * 37 % 1500);
		assert_int_equal(drain(r, seq, &missed), 1);
		assert_int_equal(missed, 0);
	}
	assert_int_equal(link_overruns(w), 0);
	link_reader_free(r);
	link_writer_free(w);
}

static void overrun_is_told(void **state)
{
	struct link_writer *w = writer_new(RING);
	struct link_reader *r = reader_of(w);
	uint64_t missed;

	put(w, 1, 100);
	assert_int_equal(drain(r, 1, &missed), 1);
	for (uint64_t seq = 2; seq <= 101; seq++)
		put(w, seq, 1000);
	size_t n = drain(r, 2, &missed);
	assert_int_equal(n + missed, 100);
	assert_in_range(n, 7, 8);
	assert_int_equal(link_overruns(w), missed);
	link_reader_free(r);
	link_writer_free(w);
}

static void restarted_reader_finds_history(void **state)
{
	struct link_writer *w = writer_new(RING);
	struct link_reader *r = reader_of(w);
	uint64_t missed;

	for (uint64_t seq = 1; seq <= 5; seq++)
		put(w, seq, 100);
	assert_int_equal(drain(r, 1, &missed), 5);
	link_reader_free(r);
	put(w, 6, 100);
	r = reader_of(w);
	assert_int_equal(drain(r, 1, &missed), 6);
	assert_int_equal(missed, 0);
	link_reader_free(r);
	/* What was overwritten while nobody read is a gap for the next one. */
	for (uint64_t seq = 7; seq <= 30; seq++)
		put(w, seq, 1000);
	r = reader_of(w);
	size_t n = drain(r, 7, &missed);
	assert_int_equal(n + missed, 24);
	assert_true(missed > 0);
	link_reader_free(r);
	link_writer_free(w);
}

static void too_large_is_refused(void **state)
{
	struct link_writer *w = writer_new(RING);
	struct link_reader *r = reader_of(w);
	static char big[RING];
	uint64_t seq, gap;
	size_t len;

	assert_int_equal(link_write(w, 1, (struct str){ big, RING / 4 + 1 }), -EMSGSIZE);
	put(w, 1, 200);
	put(w, 2, 8);
	assert_int_equal(link_read(r, big, 100, &seq, &len, &gap), -EMSGSIZE);
	assert_int_equal(link_read(r, big, 100, &seq, &len, &gap), 1);
	assert_int_equal(seq, 2);
	link_reader_free(r);
	link_writer_free(w);
	assert_int_equal(link_writer_new(5000, &w), -EINVAL);
}

static void damage_is_noticed(void **state)
{
	for (size_t at = 0; at < 24; at += 4) {
		struct link_writer *w = writer_new(RING);
		struct link_reader *r = reader_of(w);
		uint64_t seq, gap;
		size_t len;
		_Alignas(8) char out[4096];
		uint32_t bad = 0xdeadbeef;

		put(w, 1, 100);
		put(w, 2, 100);
		assert_int_equal(pwrite(link_writer_ring_fd(w), &bad, 4, (off_t)(8192 + at)), 4);
		assert_int_equal(link_read(r, out, sizeof(out), &seq, &len, &gap), -EBADMSG);
		put(w, 3, 100);
		assert_int_equal(link_read(r, out, sizeof(out), &seq, &len, &gap), 1);
		assert_int_equal(seq, 3);
		link_reader_free(r);
		link_writer_free(w);
	}
}

/* A captured reader writes all over the ring, shuts and fills the wake-up; the writer lives. */
static void hostile_reader_is_harmless(void **state)
{
	struct link_writer *w = writer_new(RING);
	int fd = link_writer_ring_fd(w);
	size_t total = 8192 + RING;
	char *all = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(all, MAP_FAILED);
	assert_int_equal(ftruncate(fd, 0), -1);
	for (uint64_t seq = 1; seq < 2000; seq++) {
		memset(all, (int)(seq * 7), total);
		put(w, seq, seq * 13 % 2000);
	}
	int wake = link_writer_event_fd(w);
	int flags = fcntl(wake, F_GETFL);
	assert_int_equal(fcntl(wake, F_SETFL, flags & ~O_NONBLOCK), 0);
	for (uint64_t seq = 2000; seq < 4000; seq++) {
		memset(all, 1, total);
		put(w, seq, 10);
	}
	shutdown(wake, SHUT_RDWR);
	memset(all, 1, total);
	put(w, 4000, 10);
	munmap(all, total);
	link_writer_free(w);
}

static void *write_many(void *arg)
{
	struct link_writer *w = arg;

	for (uint64_t seq = 1; seq <= 20000; seq++) {
		put(w, seq, seq % 300);
		if (seq % 512 == 0)
			usleep(1000);
	}
	return NULL;
}

static void sleeper_is_woken(void **state)
{
	struct link_writer *w = writer_new(1 << 20);
	struct link_reader *r = reader_of(w);
	uint64_t next = 1;
	pthread_t thread;

	pthread_create(&thread, NULL, write_many, w);
	while (next <= 20000) {
		uint64_t missed;
		size_t n = drain(r, next, &missed);
		next += n + missed;
		if (next > 20000)
			break;
		struct pollfd p = { .fd = link_writer_event_fd(w), .events = POLLIN };
		assert_int_equal(poll(&p, 1, 10000), 1);
	}
	pthread_join(thread, NULL);
	link_reader_free(r);
	link_writer_free(w);
}

static void not_a_ring(void **state)
{
	struct link_reader *r = NULL;
	int fd = memfd_create("other", MFD_CLOEXEC);

	assert_true(link_reader_new(fd, -1, &r) < 0);
	assert_int_equal(ftruncate(fd, 65536), 0);
	assert_int_equal(link_reader_new(fd, -1, &r), -EBADMSG);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps_around),
		cmocka_unit_test(overrun_is_told),
		cmocka_unit_test(restarted_reader_finds_history),
		cmocka_unit_test(too_large_is_refused),
		cmocka_unit_test(damage_is_noticed),
		cmocka_unit_test(hostile_reader_is_harmless),
		cmocka_unit_test(sleeper_is_woken),
		cmocka_unit_test(not_a_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
