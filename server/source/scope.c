/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in is told by parents, so each pass over /proc can find children of those found before; passes are made
 * until one finds nobody. Starts are those of /proc, a tick too early at most (probe/prog/task.bpf.c knows).
 */
#include "source/scope.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "source/proc_stat.h"

enum { MAX_STAT = 4096, MAX_PASSES = 64 };

static bool has(int map, uint32_t pid)
{
	uint64_t start;

	return bpf_map_lookup_elem(map, &pid, &start) == 0;
}

static bool read_stat(int proc, const char *pid, struct proc_stat *ret)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	_cleanup_(closep) int dir = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closep) int fd = dir < 0 ? -1 : openat(dir, "stat", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && io_read_fd(fd, MAX_STAT, &text) == 0 &&
	       proc_stat_parse(strbuf_str(&text), ret);
}

/* How many were added, or negative errno. */
static int add_children(int map, uint64_t tick_ns)
{
	_cleanup_(closedirp) DIR *d = opendir("/proc");
	const struct dirent *entry;
	int added = 0;

	if (!d)
		return -errno;
	while ((entry = readdir(d))) {
		struct proc_stat line;
		uint64_t n, start;

		if (str_to_u64(str_of(entry->d_name), &n) < 0 || has(map, (uint32_t)n) ||
		    !read_stat(dirfd(d), entry->d_name, &line) || !has(map, line.ppid))
			continue;
		uint32_t pid = (uint32_t)n;

		start = line.start_ticks * tick_ns;
		if (bpf_map_update_elem(map, &pid, &start, BPF_NOEXIST) < 0 && errno != EEXIST)
			return -errno;
		added++;
	}
	return added;
}

int scope_add_descendants(int map, uint32_t root)
{
	long hz = sysconf(_SC_CLK_TCK);
	uint64_t tick_ns = NS_PER_SEC / (hz > 0 ? (uint64_t)hz : 100);
	int r = has(map, root) ? 1 : 0;

	for (unsigned i = 0; r > 0 && i < MAX_PASSES; i++)
		r = add_children(map, tick_ns);
	return r < 0 ? r : 0;
}
