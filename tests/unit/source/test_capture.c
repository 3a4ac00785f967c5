/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files: whole ones come back, cut ones up to the cut, damaged ones never silently. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "event/event.h"
#include "source/capture.h"

enum { RECORDS = 20 };

static char path[64];
static struct record_builder builder;
static struct strbuf file;

static const struct rec_hdr *make_record(uint32_t i)
{
	char comm[200];

	memset(comm, 'c', sizeof(comm));
	record_begin(&builder, EV_TASK_RENAME, i, &(struct rec_ident){ .pid = i });
	record_param(&builder, comm, i * 7 % sizeof(comm));
	return record_end(&builder);
}

static int write_file(uint64_t max_bytes)
{
	const struct capture_info info = { .wall_offset_ns = 42, .hostname = "host.example" };
	struct capture_writer *w = NULL;
	int r = 0;

	assert_int_equal(capture_writer_open(path, &info, max_bytes, &w), 0);
	for (uint32_t i = 0; i < RECORDS && r == 0; i++)
		r = capture_writer_write(w, make_record(i));
	assert_true(capture_writer_bytes(w) > 0);
	assert_int_equal(capture_writer_close(w), 0);
	strbuf_clear(&file);
	assert_int_equal(io_read_file(path, SIZE_MAX, &file), 0);
	return r;
}

/* Reads a file of these bytes; how it ended, and how many records there were. */
static int read_bytes(struct str bytes, unsigned *ret_records)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture_reader *r = NULL;
	const struct rec_hdr *rec;
	struct diag diag = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(io_write_all(fd, bytes), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	*ret_records = 0;
	int outcome = capture_reader_open_fd(fd, "test", &r, &diag);

	if (outcome == 0) {
		assert_int_equal(capture_reader_info(r)->wall_offset_ns, 42);
		assert_string_equal(capture_reader_info(r)->hostname, "host.example");
		while ((outcome = capture_reader_next(r, &rec, &diag)) == 0) {
			const struct rec_hdr *wanted = make_record(*ret_records);

			assert_int_equal((uintptr_t)rec % 8, 0);
			assert_int_equal(rec->len, wanted->len);
			assert_memory_equal(rec, wanted, wanted->len);
			(*ret_records)++;
		}
		assert_null(capture_reader_close(r));
	}
	if (outcome != CAPTURE_E_END)
		assert_string_equal(diag.file, "test");
	return outcome;
}

static void whole_files_come_back(void **state)
{
	struct stat st;
	unsigned n;

	assert_int_equal(write_file(0), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(read_bytes(strbuf_str(&file), &n), CAPTURE_E_END);
	assert_int_equal(n, RECORDS);
}

static void cut_files_are_read_to_the_cut(void **state)
{
	unsigned n, before = 0;

	assert_int_equal(write_file(0), 0);
	for (size_t len = 0; len < file.len; len++) {
		int outcome = read_bytes(str_cut(strbuf_str(&file), len), &n);

		assert_true(outcome == CAPTURE_E_CUT || (outcome == -EBADMSG && n == 0));
		assert_true(n >= before);
		before = n;
	}
	assert_int_equal(before, RECORDS);
}

static void damage_is_found(void **state)
{
	unsigned n;

	assert_int_equal(write_file(0), 0);
	for (size_t at = 0; at < file.len; at++) {
		file.ptr[at] ^= 0x10;
		/* A length that grew may look like a cut. */
		int outcome = read_bytes(strbuf_str(&file), &n);

		assert_true(outcome == -EBADMSG || outcome == CAPTURE_E_CUT);
		assert_true(n <= RECORDS);
		file.ptr[at] ^= 0x10;
	}
}

static void limits_hold(void **state)
{
	unsigned n;

	assert_int_equal(write_file(2000), -EFBIG);
	assert_true(file.len <= 2000 + 32);
	assert_int_equal(read_bytes(strbuf_str(&file), &n), CAPTURE_E_END);
	assert_true(n > 0 && n < RECORDS);
}

static void faults_have_words(void **state)
{
	struct capture_reader *r = NULL;
	struct capture_writer *w = NULL;
	const struct capture_info info = { 0 };
	struct diag diag = { 0 };

	assert_int_equal(capture_reader_open("/nonexistent/x", &r, &diag), -ENOENT);
	assert_int_equal(capture_reader_open("/dev/zero", &r, &diag), -EBADMSG);
	assert_string_equal(diag.file, "/dev/zero");
	assert_string_equal(diag.text, "not a capture file at byte 0");
	assert_int_equal(capture_writer_open("/nonexistent/x", &info, 0, &w), -ENOENT);
	if (access("/dev/full", W_OK) == 0 && capture_writer_open("/dev/full", &info, 0, &w) == 0)
		assert_int_equal(capture_writer_close(w), -ENOSPC);
	assert_int_equal(capture_writer_close(NULL), 0);
	assert_null(capture_reader_close(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_files_come_back),
		cmocka_unit_test(cut_files_are_read_to_the_cut),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(faults_have_words),
	};

	snprintf(path, sizeof(path), "/tmp/capture-test-%d", (int)getpid());
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	unlink(path);
	strbuf_done(&file);
	return r;
}
