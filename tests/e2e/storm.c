/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many short lives, for tests of order and of what remains:
 *	storm race COUNT	forks on one processor, each child executes this program on the other
 *	storm lives COUNT THREADS	COUNT children that end at once, forked by so many threads
 * Both do it once for each line on standard input, and say "done" when all children have ended.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

enum { FLYING = 16, MAX_THREADS = 64 };

static void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	_exit(1);
}

/* Of those there are: on a machine with one, all is on that. */
static void stay_on(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)(cpu % sysconf(_SC_NPROCESSORS_ONLN)), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static void reap(void)
{
	int status;

	if (wait(&status) < 0 || status != 0)
		die("wait");
}

static void execute(uint64_t n)
{
	char number[24];

	snprintf(number, sizeof(number), "%llu", (unsigned long long)n);
	stay_on(1);
	execl("/proc/self/exe", "storm", "leaf", number, (char *)NULL);
	_exit(99);
}

static void race(uint64_t count)
{
	stay_on(0);
	for (uint64_t n = 0; n < count; n++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			execute(n);
		if (n >= FLYING)
			reap();
	}
	for (uint64_t n = 0; n < FLYING && n < count; n++)
		reap();
}

static void *live(void *arg)
{
	for (uint64_t left = *(const uint64_t *)arg; left; left--) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			die("fork");
		if (pid == 0)
			_exit(0);
		if (waitpid(pid, &status, 0) != pid || status != 0)
			die("waitpid");
	}
	return NULL;
}

static void lives(uint64_t count, uint64_t nthreads)
{
	pthread_t threads[MAX_THREADS];
	uint64_t each = count / nthreads;

	for (uint64_t i = 0; i < nthreads; i++)
		if (pthread_create(&threads[i], NULL, live, &each) != 0)
			die("pthread_create");
	for (uint64_t i = 0; i < nthreads; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	uint64_t count = 0, nthreads = 0;
	char go[16];

	if (argc == 3 && strcmp(argv[1], "leaf") == 0)
		return 0;
	if (argc < 3 || str_to_u64(str_of(argv[2]), &count) < 0)
		return 2;
	if (argc > 3 && str_to_u64(str_of(argv[3]), &nthreads) < 0)
		return 2;
	while (fgets(go, sizeof(go), stdin)) {
		if (strcmp(argv[1], "race") == 0)
			race(count);
		else if (nthreads && nthreads <= MAX_THREADS)
			lives(count, nthreads);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
