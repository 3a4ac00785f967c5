/* SPDX-License-Identifier: Apache-2.0 */
/* Small files of /proc, each read as a whole; see resources.h. */
#include "daemon/resources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"

enum { FILE_TEXT = 16 << 10 };

/* The text, ended by a NUL; false: there is none. */
static bool read_text(const char *path, char *text, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return false;
	while (len + 1 < size && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return len > 0;
}

/* Takes the next decimal number off the text; 0 at its end. */
static uint64_t next_number(struct str *text)
{
	struct str word;
	uint64_t v = 0;

	*text = str_trim(*text);
	if (str_split(text, ' ', &word))
		(void)str_to_u64(word, &v);
	return v;
}

static uint64_t first_number(const char *text)
{
	struct str s = str_cut(str_of(text), strcspn(text, "\t\n k"));
	uint64_t v = 0;

	(void)str_to_u64(s, &v);
	return v;
}

/* The number behind a key at the start of a line. */
static uint64_t keyed(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, key, n))
			return first_number(at + n + strspn(at + n, " \t"));
	}
	return 0;
}

struct process {
	double cpu_seconds, start_seconds; /* start: since boot */
};

/* Fields 14, 15 and 22 of stat, counted from behind the name, which may hold anything. */
static bool read_process(pid_t pid, struct process *ret)
{
	char path[64], text[1024];
	uint64_t v[20] = { 0 };
	double tick = (double)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_text(path, text, sizeof(text)))
		return false;
	struct str rest = str_of(text);
	rest = str_skip(rest, str_rchr(rest, ')') + 4); /* the state is the third field */
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = next_number(&rest);
	ret->cpu_seconds = (double)(v[10] + v[11]) / tick;
	ret->start_seconds = (double)v[18] / tick;
	return true;
}

static void add_memory(pid_t pid, struct resources *ret)
{
	char path[64], text[4096];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (read_text(path, text, sizeof(text))) {
		ret->rss += keyed(text, "VmRSS:") * 1024;
		ret->vsz += keyed(text, "VmSize:") * 1024;
	}
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (read_text(path, text, sizeof(text)))
		ret->pss += keyed(text, "Pss:") * 1024;
}

static void read_host(struct resources *ret)
{
	_cleanup_(freep) char *text = malloc(FILE_TEXT);
	uint64_t cpu[10] = { 0 }, total = 0;

	if (!text)
		return;
	if (read_text("/proc/stat", text, FILE_TEXT)) {
		struct str line = str_cut(str_of(text), strcspn(text, "\n"));

		line = str_skip(line, sizeof("cpu ") - 1);
		for (size_t i = 0; i < 8; i++) {
			cpu[i] = next_number(&line);
			total += cpu[i];
		}
		/* The fourth and fifth are idle and waiting for I/O. */
		if (total)
			ret->host_cpu = (double)(total - cpu[3] - cpu[4]) / (double)total;
		ret->host_procs = keyed(text, "procs_running ");
	}
	if (read_text("/proc/meminfo", text, FILE_TEXT))
		ret->host_memory = (keyed(text, "MemTotal:") - keyed(text, "MemAvailable:")) * 1024;
	if (read_text("/proc/sys/fs/file-nr", text, FILE_TEXT))
		ret->host_fds = first_number(text);
	ret->host_cpus = (uint64_t)sysconf(_SC_NPROCESSORS_ONLN);
	ret->boot_ns = clock_boot_offset_ns();
}

/* Version 2 of control groups, or the memory controller of version 1; "::/" is the host's root. */
static uint64_t group_memory(void)
{
	static const struct {
		const char *key, *root, *file;
	} rows[] = {
		{ "0::", "/sys/fs/cgroup", "memory.current" },
		{ ":memory:", "/sys/fs/cgroup/memory", "memory.usage_in_bytes" },
	};
	char text[4096], path[4400], value[32];

	if (!read_text("/proc/self/cgroup", text, sizeof(text)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *at = strstr(text, rows[i].key);

		if (!at)
			continue;
		at += strlen(rows[i].key);
		snprintf(path, sizeof(path), "%s%.*s/%s", rows[i].root, (int)strcspn(at, "\n"), at,
			 rows[i].file);
		if (read_text(path, value, sizeof(value)))
			return first_number(value);
	}
	return 0;
}

void resources_read(const pid_t *pids, size_t n, struct resources *ret)
{
	double now = (double)clock_boot_ns() / 1e9, used = 0, first = now;

	*ret = (struct resources){ 0 };
	for (size_t i = 0; i < n; i++) {
		struct process p;

		if (!pids[i] || !read_process(pids[i], &p))
			continue;
		used += p.cpu_seconds;
		first = p.start_seconds < first ? p.start_seconds : first;
		add_memory(pids[i], ret);
	}
	if (now > first)
		ret->cpu = used / (now - first);
	ret->container = group_memory();
	read_host(ret);
}
