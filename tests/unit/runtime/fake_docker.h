/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Docker of the tests' own behind a unix socket: it answers inspections in the way it is told to, and streams the
 * events it is given. A thread of its own; settings may be changed from any thread.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum fake_mode {
	FAKE_FOUND,	/* {"Id":ID,"Name":"/name-ID",...} */
	FAKE_NOT_FOUND, /* 404 */
	FAKE_ERROR,	/* 500 */
	FAKE_HANGS,	/* no answer */
	FAKE_HALF,	/* half an answer, then nothing */
	FAKE_CLOSES,	/* no answer, and an end */
	FAKE_GARBAGE,	/* no HTTP */
	FAKE_NO_JSON,
	FAKE_HUGE, /* larger than any answer may be */
	FAKE_DEEP, /* 100 000 brackets */
};

struct fake_docker {
	char path[108];
	int listener;
	pthread_t thread;
	_Atomic int mode;
	_Atomic bool stop, streams; /* streams: somebody listens to events */
	_Atomic unsigned inspections;
	_Atomic(const char *) event; /* a line to stream; NULL again when it is */
};

void fake_docker_start(struct fake_docker *d, const char *path);
void fake_docker_stop(struct fake_docker *d); /* its socket goes too */
/* Streams a line and waits until it is written. */
void fake_docker_tell(struct fake_docker *d, const char *line);
