/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who posts makes a system call only when the thread sleeps; the fence on both sides orders "posted" and
 * "asleep", as in link/.
 */
#include "journal/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

int worker_init(struct worker *w, size_t capacity)
{
	*w = (struct worker){ .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			      .in = queue_new(capacity),
			      .out = queue_new(capacity) };
	if (w->wake_fd < 0)
		return -errno;
	return w->in && w->out ? 0 : -ENOMEM;
}

int worker_start(struct worker *w, void *(*main)(void *), void *arg)
{
	int r = pthread_create(&w->thread, NULL, main, arg);

	w->running = r == 0;
	return -r;
}

bool worker_join(struct worker *w, unsigned timeout_ms)
{
	struct timespec until;

	if (!w->running)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	if (pthread_timedjoin_np(w->thread, NULL, &until) == 0) {
		w->running = false;
		return true;
	}
	pthread_detach(w->thread);
	return false;
}

void worker_done(struct worker *w)
{
	queue_free(w->in);
	queue_free(w->out);
	if (w->wake_fd >= 0)
		close(TAKE_FD(w->wake_fd));
	w->in = w->out = NULL;
}

void worker_wake(struct worker *w)
{
	const uint64_t one = 1;

	__sync_synchronize();
	if (atomic_exchange(&w->asleep, false))
		(void)!write(w->wake_fd, &one, sizeof(one));
}

bool worker_post(struct worker *w, void *item)
{
	if (!queue_push(w->in, item))
		return false;
	worker_wake(w);
	return true;
}

void worker_wait(struct worker *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->wake_fd, .events = POLLIN };
	uint64_t n;

	atomic_store(&w->asleep, true);
	__sync_synchronize();
	if (queue_length(w->in) == 0)
		(void)poll(&p, 1, timeout_ms);
	atomic_store(&w->asleep, false);
	(void)!read(w->wake_fd, &n, sizeof(n));
}
