/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measured side of a benchmark: waits for a line on stdin, does one kind of operation N times, prints
 * nanoseconds per operation, and waits again. Ends with its input.
 *	loop OPERATION N
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <spawn.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

extern char **environ;

static void op_getppid(void)
{
	syscall(SYS_getppid);
}

static void op_open(void)
{
	int fd = open("/usr/share/misc/magic-nothing", O_RDONLY);

	if (fd < 0)
		fd = open("/proc/self/cmdline", O_RDONLY);
	close(fd);
}

static void op_openclose(void)
{
	close(open("/tmp", O_RDONLY | O_DIRECTORY));
}

static void op_openfile(void)
{
	close(open("/usr/lib/os-release", O_RDONLY | O_CLOEXEC));
}

static void op_stat(void)
{
	struct stat st;

	(void)!stat("/tmp", &st);
}

static void op_spawn(void)
{
	char *args[] = { (char[]){ "/bin/true" }, NULL };
	pid_t pid;

	if (posix_spawn(&pid, args[0], NULL, NULL, args, environ) == 0)
		waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	void (*fn)(void);
} ops[] = {
	{ "getppid", op_getppid },    { "open", op_open }, { "open+close", op_openclose },
	{ "open file", op_openfile }, { "stat", op_stat }, { "spawn", op_spawn },
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	char line[16];
	uint64_t n;

	if (argc != 3 || str_to_u64(str_of(argv[2]), &n) < 0)
		return 2;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (strcmp(ops[i].name, argv[1]))
			continue;
		while (fgets(line, sizeof(line), stdin)) {
			uint64_t start = now_ns();
			for (unsigned long k = 0; k < n; k++)
				ops[i].fn();
			printf("%.1f\n", (double)(now_ns() - start) / (double)n);
			fflush(stdout);
		}
		return 0;
	}
	return 2;
}
