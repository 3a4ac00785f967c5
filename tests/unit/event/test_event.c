/* SPDX-License-Identifier: Apache-2.0 */
/* The tables, decoding of records good and bad, and the texts of parameters. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "event/path.h"
#include "event/text.h"

static struct record_builder builder;

static void names_stand_for_codes(void **state)
{
	static const struct {
		const char *name;
		size_t codes; /* 0: unknown */
		unsigned one;
	} rows[] = {
		{ "openat", 4, EV_SYSCALL_OPENAT_2_X },
		{ "accept", 8, EV_SOCKET_ACCEPT_5_X },
		{ "accept4", 2, EV_SOCKET_ACCEPT4_6_X },
		{ "clone", 8, EV_SYSCALL_CLONE_20_X },
		{ "container", 3, 0 },
		{ "pread64", 2, 0 },
		{ "sysinfo", 2, EV_GENERIC_X },
		{ "mmap2", 2, 0 },
		{ "NA", 0, 0 },
		{ "task_fork", 0, 0 },
		{ "opena", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bitset codes = { 0 };

		assert_int_equal(event_codes_named(str_of(rows[i].name), &codes),
				 rows[i].codes > 0);
		assert_int_equal(bitset_count(&codes), rows[i].codes);
		assert_true(!rows[i].one || bitset_has(&codes, rows[i].one));
	}
}

static void tables_are_whole(void **state)
{
	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		const struct event_info *info = event_info(code);

		assert_non_null(info);
		assert_int_equal(info->code, code);
		assert_true(info->nparams <= LIMIT_PARAMS);
		for (unsigned i = 0; i < info->nparams; i++) {
			assert_non_null(info->params[i].name);
			assert_true(info->params[i].dirfd < (int)info->nparams);
			assert_int_equal(event_param(info, str_of(info->params[i].name)) >= 0, 1);
		}
	}
	assert_null(event_info(EV_CODES));
	assert_null(event_info(500));
	assert_string_equal(event_info(EV_TASK_FORK)->name, "task_fork");
	assert_non_null(flag_table_find(STR("file_flags")));
	assert_null(flag_table_find(STR("no_flags")));
	assert_string_equal(syscall_find(STR("pread64"))->type, "pread");
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	assert_true(n > 400);
	for (size_t i = 0; i < n; i++)
		assert_non_null(event_info(calls[i].exit));
#ifdef __x86_64__
	assert_string_equal(syscall_by_number(257, false)->name, "openat");
	assert_string_equal(syscall_by_number(5, true)->name, "open");
#endif
	assert_null(syscall_by_number(100000, false));
}

static int decode_built(struct event *ret)
{
	const struct rec_hdr *rec = record_end(&builder);

	return rec ? event_decode(rec, rec->len, ret) : -ENOMEM;
}

static const struct rec_hdr *openat_record(int64_t fd, const char *name, uint32_t flags,
					   uint32_t mode, const char *base)
{
	struct rec_fd file = { .num = fd, .kind = 'f' };

	record_begin(&builder, EV_SYSCALL_OPENAT_2_X, 5, &(struct rec_ident){ .pid = 7 });
	record_i64(&builder, fd);
	record_i64(&builder, -100);
	record_str(&builder, str_of(name));
	record_u32(&builder, flags);
	record_u32(&builder, mode);
	record_u32(&builder, 0xfd00);
	record_u64(&builder, 12);
	if (base)
		record_extra(&builder, REC_X_BASE, base, strlen(base));
	record_extra(&builder, 999, "skipped", 7);
	if (fd >= 0)
		record_extra(&builder, REC_X_FD, &file, sizeof(file));
	record_extra(&builder, REC_X_PATH, "/dir/x", 6);
	return record_end(&builder);
}

static void records_come_back(void **state)
{
	const struct rec_hdr *rec = openat_record(3, "x", 2, 0755, "/dir");
	struct event e;

	assert_non_null(rec);
	assert_int_equal(rec->len % 8, 0);
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	assert_int_equal(e.info->code, EV_SYSCALL_OPENAT_2_X);
	assert_int_equal(e.hdr->who.pid, 7);
	assert_int_equal(event_i64(&e, 0, 0), 3);
	assert_int_equal(event_i64(&e, 1, 0), -100);
	assert_true(str_eqz(e.params[2], "x"));
	assert_int_equal(event_u64(&e, 4, 0), 0755);
	assert_int_equal(event_u64(&e, 2, 77), 77);
	assert_int_equal(event_u64(&e, 39, 77), 77);
	assert_true(str_eqz(e.base, "/dir"));
	assert_true(str_eqz(e.path, "/dir/x"));
	assert_null(e.cwd.ptr);
	assert_int_equal(e.fd->num, 3);
}

static void damage_is_refused(void **state)
{
	const struct rec_hdr *rec = openat_record(3, "some/name", 2, 0755, "/dir");
	uint64_t copy[LIMIT_RECORD_BYTES / 8];
	struct rec_hdr *hdr = (struct rec_hdr *)(void *)copy;
	struct event e;

	for (size_t len = 0; len < rec->len; len++)
		assert_int_equal(event_decode(rec, len, &e), -EBADMSG);
	/* Every byte of head and tables, with every bit turned: never a crash, never a text outside. */
	for (size_t at = 0; at < 200 && at < rec->len; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, rec, rec->len);
			((uint8_t *)copy)[at] ^= (uint8_t)(1 << bit);
			if (event_decode(copy, rec->len, &e) < 0)
				continue;
			for (unsigned i = 0; i < e.info->nparams; i++)
				if (e.params[i].ptr)
					assert_in_range(e.params[i].ptr - (char *)copy +
								(long)e.params[i].len,
							0, rec->len);
		}
	}
	memcpy(copy, rec, rec->len);
	hdr->type = 500;
	assert_int_equal(event_decode(copy, rec->len, &e), -EBADMSG);
	hdr->type = EV_SCAN_END;
	assert_int_equal(event_decode(copy, rec->len, &e), -EBADMSG);
	assert_int_equal(event_decode((char *)copy + 1, rec->len, &e), -EBADMSG);
}

static void builder_refuses_too_much(void **state)
{
	static const char big[LIMIT_RECORD_BYTES];

	record_begin(&builder, EV_TASK_RENAME, 0, NULL);
	record_param(&builder, big, sizeof(big));
	assert_null(record_end(&builder));
	record_begin(&builder, EV_TASK_RENAME, 0, NULL);
	record_extra(&builder, REC_X_CWD, "/", 1);
	record_str(&builder, STR("late"));
	assert_null(record_end(&builder));
	record_begin(&builder, EV_TASK_RENAME, 0, NULL);
	for (int i = 0; i <= LIMIT_PARAMS; i++)
		record_u32(&builder, 1);
	assert_null(record_end(&builder));
	record_begin(&builder, EV_TASK_RENAME, 0, NULL);
	record_str(&builder, (struct str){ 0 });
	assert_non_null(record_end(&builder));
}

static struct str comm_of(void *ctx, int64_t tid)
{
	return tid == 7 ? STR("seven") : (struct str){ 0 };
}

static struct str user_of(void *ctx, const struct event *e, uint32_t uid)
{
	return uid == 5 ? STR("games") : (struct str){ 0 };
}

static struct str cwd_of(void *ctx, const struct event *e)
{
	return STR("/cwd");
}

static const struct param_text_host host = { .comm = comm_of, .user = user_of, .cwd = cwd_of };

static void args_wanted(const struct rec_hdr *rec, const char *wanted)
{
	struct strbuf out = { 0 };
	struct event e;

	assert_non_null(rec);
	assert_int_equal(event_decode(rec, rec->len, &e), 0);
	event_print_args(&e, &host, &out);
	assert_string_equal(strbuf_z(&out), wanted);
	strbuf_done(&out);
}

static void args_of_open(void **state)
{
	args_wanted(openat_record(3, "x", 0x4007, 0755, NULL),
		    "fd=3(<f>/dir/x) dirfd=-100(AT_FDCWD) name=x(/cwd/x) "
		    "flags=16391(O_CREAT|O_RDWR|O_F_CREATED) mode=0755 dev=FD00 ino=12");
	args_wanted(
		openat_record(-2, "/a", 1, 0, NULL),
		"fd=-2(ENOENT) dirfd=-100(AT_FDCWD) name=/a flags=1(O_RDONLY) mode=0 dev=FD00 ino=12");
	args_wanted(openat_record(3, "../x", 1, 0, "/dir/sub"),
		    "fd=3(<f>/dir/x) dirfd=-100(AT_FDCWD) name=../x(/dir/x) flags=1(O_RDONLY) "
		    "mode=0 dev=FD00 ino=12");
}

static void args_of_others(void **state)
{
	record_begin(&builder, EV_SYSCALL_CHMOD_X, 0, NULL);
	record_i64(&builder, 0);
	record_str(&builder, STR("/f"));
	record_u32(&builder, 04755);
	args_wanted(record_end(&builder),
		    "res=0 filename=/f mode=04755(S_IXOTH|S_IROTH|S_IXGRP|S_IRGRP|S_IXUSR|S_IWUSR|"
		    "S_IRUSR|S_ISUID)");
	record_begin(&builder, EV_SYSCALL_SETUID_X, 0, NULL);
	record_i64(&builder, 0);
	record_u32(&builder, 5);
	args_wanted(record_end(&builder), "res=0 uid=5(games)");
	record_begin(&builder, EV_SYSCALL_SETUID_X, 0, NULL);
	record_i64(&builder, -1);
	record_u32(&builder, UINT32_MAX);
	args_wanted(record_end(&builder), "res=-1(EPERM) uid=-1(<NONE>)");
	record_begin(&builder, EV_SYSCALL_SETUID_X, 0, NULL);
	record_i64(&builder, 0);
	record_u32(&builder, 6);
	args_wanted(record_end(&builder), "res=0 uid=6(<NA>)");
	record_begin(&builder, EV_SYSCALL_READ_X, 0, NULL);
	record_i64(&builder, 5);
	record_param(&builder, "a\0b\n\xff", 5);
	record_i64(&builder, 0);
	record_u32(&builder, 10);
	args_wanted(record_end(&builder), "res=5 data=a.b.. fd=0 size=10");
	record_begin(&builder, EV_SYSCALL_READ_X, 0, NULL);
	record_i64(&builder, 5);
	record_param(&builder, NULL, 0);
	record_u32(&builder, 10); /* a descriptor of the wrong width is none */
	args_wanted(record_end(&builder), "res=5 data=NULL fd=<NA> size=<NA>");
	record_begin(&builder, EV_GENERIC_X, 0, NULL);
	args_wanted(record_end(&builder), "");
	record_begin(&builder, EV_SYSCALL_SETSID_X, 0, NULL);
	record_i64(&builder, 7);
	args_wanted(record_end(&builder), "res=7(seven)");
}

static void args_of_sockets(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *wanted;
	} rows[] = {
		{ "\x02\xac\x28\x6f\xde\x31\xd4\x8e\xfb\x6f\x93\xbb\x01", 13,
		  "172.40.111.222:54321->142.251.111.147:443" },
		{ "\x0a"
		  "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1\1\0"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2\0",
		  37, "127.0.0.1:1->::1:2" },
		{ "\x01\x0f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0/s", 19, "f->0 /s" },
		{ "\x02\xac", 2, "NULL" },
		{ "\x0a\xac", 2, "NULL" },
		{ "\x01\xac", 2, "NULL" },
		{ "\x09\xac", 2, "NULL" },
		{ "", 0, "NULL" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };
		struct event e;

		record_begin(&builder, EV_SOCKET_CONNECT_X, 0, NULL);
		record_i64(&builder, 0);
		record_param(&builder, rows[i].bytes, rows[i].len);
		assert_int_equal(decode_built(&e), 0);
		param_print_raw(&e, 1, &out);
		assert_string_equal(strbuf_z(&out), rows[i].wanted);
		strbuf_done(&out);
	}
}

static void descriptors_have_names(void **state)
{
	static const struct {
		struct rec_fd fd;
		const char *wanted;
	} rows[] = {
		{ { .num = 4,
		    .kind = '4',
		    .l4 = 6,
		    .flags = REC_FD_CLIENT,
		    .local_port = 10,
		    .remote_port = 80,
		    .local_addr = { 10, 0, 0, 1 },
		    .remote_addr = { 10, 0, 0, 2 } },
		  "<4t>10.0.0.1:10->10.0.0.2:80" },
		{ { .num = 4,
		    .kind = '4',
		    .l4 = 17,
		    .flags = REC_FD_SERVER,
		    .local_port = 10,
		    .remote_port = 80,
		    .local_addr = { 10, 0, 0, 1 },
		    .remote_addr = { 10, 0, 0, 2 } },
		  "<4u>10.0.0.2:80->10.0.0.1:10" },
		{ { .num = 4, .kind = '6', .l4 = 6, .flags = REC_FD_LISTENING, .local_port = 22 },
		  "<6t>:::22" },
		{ { .num = 4, .kind = 'u', .family = AF_UNIX, .unix_self = 16, .unix_peer = 17 },
		  "<u>10->11 /p" },
		{ { .num = 4, .kind = 'd' }, "<d>/p" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };
		struct event e;

		record_begin(&builder, EV_SYSCALL_CLOSE_X, 0, NULL);
		record_i64(&builder, 0);
		record_i64(&builder, 4);
		record_extra(&builder, REC_X_FD, &rows[i].fd, sizeof(rows[i].fd));
		record_extra(&builder, REC_X_PATH, "/p", 2);
		assert_int_equal(decode_built(&e), 0);
		assert_true(param_print_resolved(&e, 1, NULL, &out));
		assert_string_equal(strbuf_z(&out), rows[i].wanted);
		strbuf_done(&out);
	}
}

static void paths_are_normalised(void **state)
{
	static const struct {
		const char *base, *path, *wanted;
	} rows[] = {
		{ "/a", "b", "/a/b" },	   { "/a/", "./b/", "/a/b" },
		{ "/a", "/b//c", "/b/c" }, { "/a/b", "../../..", "/" },
		{ "/", "x", "/x" },	   { "", "x", "/x" },
		{ "/a", "", "/a" },	   { "/a", "../b/./c", "/b/c" },
		{ "/a", "/", "/" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strbuf out = { 0 };

		strbuf_addz(&out, "=");
		path_join(str_of(rows[i].base), str_of(rows[i].path), &out);
		assert_string_equal(strbuf_z(&out) + 1, rows[i].wanted);
		strbuf_done(&out);
	}
	char *text = malloc(2000);
	struct strbuf out = { 0 };

	assert_non_null(text);
	memset(text, 'a', 2000);
	path_join(STR("/b"), (struct str){ text, 2000 }, &out);
	assert_string_equal(strbuf_z(&out), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
	strbuf_done(&out);
	free(text);
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stand_for_codes),    cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(records_come_back),	    cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(builder_refuses_too_much), cmocka_unit_test(args_of_open),
		cmocka_unit_test(args_of_others),	    cmocka_unit_test(args_of_sockets),
		cmocka_unit_test(descriptors_have_names),   cmocka_unit_test(paths_are_normalised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
