/* SPDX-License-Identifier: Apache-2.0 */
/* The loader: waking a sleeping reader, scopes, full rings, and what it says without permission. */
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "event/event.h"

struct seen {
	size_t n, mine;
	uint32_t pid;
};

static void count(const struct rec_hdr *rec, void *ctx)
{
	struct seen *s = ctx;

	s->n++;
	s->mine += rec->who.pid == s->pid;
}

static struct bpf_source *must_open(struct bpf_options o)
{
	static struct bitset set;
	struct bpf_source *s = NULL;
	struct diag d = { 0 };

	bitset_add(&set, EV_SYSCALL_MKDIR_2_X);
	o.events = &set;
	if (bpf_source_open(&o, &s, &d) < 0)
		fail_msg("%s", d.text);
	return s;
}

/* A call that is recorded and changes nothing. */
static void act(void)
{
	assert_int_equal(syscall(SYS_mkdir, "/", 0700), -1);
}

static size_t drain_all(struct bpf_source *s, struct seen *seen)
{
	for (int i = 0; i < 5; i++) {
		usleep(1000);
		bpf_source_drain(s, SIZE_MAX, count, seen);
	}
	return seen->n;
}

static struct bpf_options my_scope(void)
{
	return (struct bpf_options){ .scope = SCOPE_PID,
				     .scope_id = (uint64_t)getpid(),
				     .ring_bytes = 1 };
}

static void test_wake(void **st)
{
	struct bpf_source *s = must_open(my_scope());
	struct pollfd p = { .fd = bpf_source_fd(s), .events = POLLIN };
	struct seen seen = { 0 };

	for (int i = 0; i < 20; i++) {
		seen.n = 0;
		while (bpf_source_sleep(s) == 1)
			bpf_source_drain(s, SIZE_MAX, count, &seen);
		assert_int_equal(poll(&p, 1, 0), 0);
		act();
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_int_equal(bpf_source_sleep(s), 1);
		assert_int_equal(drain_all(s, &seen), 1);
	}
	bpf_source_close(s);
}

/* What the CPUs have together is the whole. */
static void assert_cpus(struct bpf_source *s, const struct bpf_stats *all)
{
	struct bpf_cpu_stats cpus[PROBE_CPUS];
	uint64_t events = 0, drops = 0;

	bpf_source_cpu_stats(s, cpus);
	for (size_t i = 0; i < bpf_source_cpus(s); i++) {
		events += cpus[i].events;
		drops += cpus[i].drops;
		assert_true(cpus[i].used < bpf_source_ring_bytes(s));
	}
	assert_int_equal(events, all->events);
	assert_int_equal(drops, bpf_stats_drops(all));
}

static void test_full(void **st)
{
	struct bpf_source *s = must_open(my_scope());
	struct seen seen = { .pid = (uint32_t)getpid() };
	struct bpf_stats stats;

	for (int i = 0; i < 2000; i++) /* 64 KiB a ring hold some hundred each */
		act();
	drain_all(s, &seen);
	bpf_source_stats(s, &stats);
	assert_true(stats.drops[PROBE_DROP_RING] > 0);
	assert_int_equal(seen.n + stats.drops[PROBE_DROP_RING], 2000);
	assert_int_equal(bpf_stats_drops(&stats), stats.drops[PROBE_DROP_RING]);
	assert_int_equal(stats.events, seen.n);
	assert_int_equal(stats.lost[BPF_DIR_FILE], stats.drops[PROBE_DROP_RING]);
	assert_cpus(s, &stats);
	/* And it goes on. */
	seen.n = 0;
	act();
	assert_int_equal(drain_all(s, &seen), 1);
	bpf_source_close(s);
}

static void count_selftests(const struct rec_hdr *rec, void *ctx)
{
	struct seen *s = ctx;

	s->n++;
	s->mine += rec->type == EV_SELFTEST;
}

/* Whoever is in scope, the self-test comes; nobody else can make one, and no other options take it away. */
static void test_selftest(void **st)
{
	struct bpf_options o = {
		.scope = SCOPE_PID, .scope_id = 1, .self = getpid(), .selftest = true
	};
	struct bpf_source *s = must_open(o);
	struct seen seen = { 0 };
	struct bitset none = { 0 };

	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 3; k++)
			bpf_source_selftest(s);
		assert_int_equal(syscall(PROBE_SELFTEST, 0), -1);
		act();
		usleep(2000);
		bpf_source_drain(s, SIZE_MAX, count_selftests, &seen);
		assert_int_equal(seen.mine, 3 * (i + 1));
		assert_int_equal(seen.n, seen.mine);
		o.events = &none;
		bpf_source_narrow(s, &o);
	}
	bpf_source_close(s);
}

static void test_self(void **st)
{
	struct bpf_options o = my_scope();

	o.self = getpid();
	struct bpf_source *s = must_open(o);
	struct seen seen = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		syscall(SYS_mkdir, "/", 0700);
		_exit(0);
	}
	act();
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* Neither this process nor, as it is not followed, its children. */
	assert_int_equal(drain_all(s, &seen), 0);
	bpf_source_close(s);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(95);
	close(fd);
}

/* Under a cgroup of our own, and in one below it; this process is outside. */
static void test_cgroup(void **st)
{
	char mnt[] = "/tmp/probe-test-XXXXXX", dir[64], below[80];
	struct seen seen = { 0 };
	struct stat sb;
	int status;

	assert_non_null(mkdtemp(mnt));
	assert_int_equal(mount("cgroup2", mnt, "cgroup2", 0, NULL), 0);
	snprintf(dir, sizeof(dir), "%s/probe-test-%d", mnt, getpid());
	snprintf(below, sizeof(below), "%s/below", dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(mkdir(below, 0755), 0);
	assert_int_equal(stat(dir, &sb), 0);
	struct bpf_options o = { .scope = SCOPE_CGROUP, .scope_id = sb.st_ino, .ring_bytes = 1 };
	struct bpf_source *s = must_open(o);
	pid_t pid = fork();

	if (pid == 0) {
		put(below, "cgroup.procs", "0");
		syscall(SYS_mkdir, "/", 0700);
		_exit(0);
	}
	seen.pid = (uint32_t)pid;
	act();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	drain_all(s, &seen);
	bpf_source_close(s);
	rmdir(below);
	rmdir(dir);
	umount2(mnt, MNT_DETACH);
	rmdir(mnt);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.mine, 1);
}

struct types {
	uint16_t of[64];
	uint16_t call[64];
	size_t n;
};

static void note(const struct rec_hdr *rec, void *ctx)
{
	struct types *t = ctx;

	assert_true(t->n < 64);
	t->call[t->n] = rec->syscall;
	t->of[t->n++] = rec->type;
}

/* A described call, one with a program of its own, two generic ones, and a hook. */
static size_t act_all(struct bpf_source *s, struct types *ret)
{
	act();
	must_be_ok(dup2(open("/", O_RDONLY), 90));
	syscall(SYS_ioperm, 0, 0, 0);
	syscall(SYS_personality, 0xffffffff);
	prctl(PR_SET_NAME, "source");
	ret->n = 0;
	for (int i = 0; i < 5; i++) {
		usleep(1000);
		bpf_source_drain(s, SIZE_MAX, note, ret);
	}
	return ret->n;
}

/* What is delivered follows the sets while events flow. */
static void test_sets(void **st)
{
	struct bitset few = { 0 }, more = { 0 }, few_calls = { 0 }, more_calls = { 0 };
	size_t ncalls;
	const struct syscall_info *calls = syscall_infos(&ncalls);
	struct bpf_source *s = NULL;
	struct bpf_stats before, after;
	struct diag d = { 0 };
	struct types seen;

	bitset_add(&few, EV_SYSCALL_MKDIR_2_X);
	bitset_add(&few_calls, (size_t)(syscall_find(STR("mkdir")) - calls));
	more = few;
	more_calls = few_calls;
	bitset_add(&more, EV_GENERIC_X);
	bitset_add(&more, EV_SYSCALL_OPENAT_2_X);
	bitset_add(&more, EV_TASK_RENAME);
	bitset_add(&more_calls, (size_t)(syscall_find(STR("openat")) - calls));
	bitset_add(&more_calls, (size_t)(syscall_find(STR("personality")) - calls));
	struct bpf_options o = my_scope();

	o.events = &few;
	o.syscalls = &few_calls;
	o.ring_bytes = 64 << 10;
	assert_int_equal(bpf_source_open(&o, &s, &d), 0);
	bpf_source_stats(s, &before);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(act_all(s, &seen), 1);
		assert_int_equal(seen.of[0], EV_SYSCALL_MKDIR_2_X);
		o = (struct bpf_options){ .events = &more, .syscalls = &more_calls };
		assert_int_equal(bpf_source_widen(s, &o, &d), 0);
		assert_int_equal(act_all(s, &seen), 4);
		assert_int_equal(seen.of[1], EV_SYSCALL_OPENAT_2_X);
		assert_int_equal(seen.of[2], EV_GENERIC_X);
		assert_int_equal(seen.call[2], SYS_personality);
		assert_int_equal(seen.of[3], EV_TASK_RENAME);
		o = (struct bpf_options){ .events = &few, .syscalls = &few_calls };
		bpf_source_narrow(s, &o);
	}
	bpf_source_stats(s, &after);
	assert_true(before.programs < after.programs);
	assert_int_equal(before.programs + before.programs_left_out,
			 after.programs + after.programs_left_out);
	assert_int_equal(bpf_stats_drops(&after), 0);
	bpf_source_close(s);
}

static void test_permission(void **st)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct bpf_options o = my_scope();
		struct bpf_source *s = NULL;
		struct diag d = { 0 };

		if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		int r = bpf_source_open(&o, &s, &d);

		_exit(r == -EPERM && !s && strstr(d.text, "CAP_BPF") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wake),	   cmocka_unit_test(test_full),
		cmocka_unit_test(test_self),	   cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_permission), cmocka_unit_test(test_sets),
		cmocka_unit_test(test_selftest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
