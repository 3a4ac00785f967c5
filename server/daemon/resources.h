/* SPDX-License-Identifier: Apache-2.0 */
/* What the program and the host use, from /proc and the program's control group. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct resources {
	double cpu;		/* CPUs used on average since the start of the first process */
	double host_cpu;	/* share of the host's CPU time in use since it started */
	uint64_t rss, vsz, pss; /* bytes, of all processes */
	uint64_t container;	/* bytes of the program's control group; 0: it cannot be read */
	uint64_t host_memory;	/* bytes in use */
	uint64_t host_procs;	/* runnable */
	uint64_t host_fds;	/* open */
	uint64_t host_cpus;
	uint64_t boot_ns; /* wall clock of the host's start */
};

/* What cannot be read stays 0. pids of 0 are skipped. */
void resources_read(const pid_t *pids, size_t n, struct resources *ret);
