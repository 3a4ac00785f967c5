/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader keeps what it reads to itself until the whole is read, and then hands it over only if nobody has
 * given it up meanwhile: its phase says so, and is changed by compare-and-swap from both sides. One that was
 * given up touches nothing but its own memory, which it frees, if ever it comes back.
 */
#include "runtime/passwd.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "event/event.h"
#include "source/users.h"

enum {
	HANGS_S = 3,
	HUNG_MAX = 8,
	STOP_WAIT_S = 1,
	KEPT_BYTES = 8 << 20, /* of one container's records */
};

enum phase { FREE, READING, LEFT };

struct kept {
	struct kept *next;
	struct rec_hdr rec; /* and what follows it */
};

struct reader {
	struct passwd *p; /* not to be touched once LEFT */
	pthread_t thread;
	_Atomic int phase;
	_Atomic uint64_t since_ns;
	struct passwd_job job;
	char root[320];
	struct kept *first, **last;
	size_t bytes;
	struct record_builder builder;
};

struct passwd {
	char *host_root;
	struct outbox out;
	struct queue *jobs; /* struct passwd_job */
	int wake;
	_Atomic bool stop;
	_Atomic(struct reader *) reader; /* NULL: too many hung */
	unsigned hung;
};

static void forget(struct reader *r)
{
	for (struct kept *k; (k = r->first);) {
		r->first = k->next;
		free(k);
	}
	r->last = &r->first;
	r->bytes = 0;
}

static void keep(const struct rec_hdr *rec, void *ctx)
{
	struct reader *r = ctx;
	size_t bytes = sizeof(struct kept) + rec->len;
	struct kept *k = r->bytes + bytes > KEPT_BYTES ? NULL : malloc(bytes);

	if (!k)
		return;
	k->next = NULL;
	memcpy(&k->rec, rec, rec->len);
	*r->last = k;
	r->last = &k->next;
	r->bytes += bytes;
}

/* The process that was asked about, and not another that got its number. */
static bool still_there(const struct reader *r)
{
	char path[352];
	struct stat st;

	snprintf(path, sizeof(path), "%.*s/ns/mnt", (int)(strlen(r->root) - strlen("/root")),
		 r->root);
	return stat(path, &st) == 0 && st.st_ino == r->job.mnt_ns;
}

static void hand_over(struct reader *r)
{
	struct passwd *p = r->p;

	for (struct kept *k = still_there(r) ? r->first : NULL; k; k = k->next)
		outbox_push(&p->out, &k->rec);
	record_begin(&r->builder, EV_CONTAINER_INFO, 0, NULL);
	record_str(&r->builder, str_of(r->job.id));
	record_param(&r->builder, NULL, 0);
	outbox_push(&p->out, record_end(&r->builder));
}

static void *read_files(void *arg)
{
	struct reader *r = arg;
	struct passwd *p = r->p;
	eventfd_t n;

	while (!atomic_load(&p->stop)) {
		_cleanup_(freep) struct passwd_job *job = queue_pop(p->jobs);
		int reading = READING;

		if (!job) {
			eventfd_read(p->wake, &n);
			continue;
		}
		r->job = *job;
		if (snprintf(r->root, sizeof(r->root), "%s/proc/%u/root", p->host_root, job->pid) >=
		    (int)sizeof(r->root))
			continue;
		atomic_store(&r->since_ns, clock_boot_ns());
		atomic_store(&r->phase, READING);
		scan_users(r->root, str_of(r->job.id), keep, r);
		if (!atomic_compare_exchange_strong(&r->phase, &reading, FREE)) {
			forget(r);
			free(r);
			return NULL;
		}
		hand_over(r);
		forget(r);
	}
	return NULL;
}

static struct reader *start_reader(struct passwd *p)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->p = p;
	r->last = &r->first;
	if (pthread_create(&r->thread, NULL, read_files, r) == 0)
		return r;
	free(r);
	return NULL;
}

/* True: it is on its own now. */
static bool leave(struct reader *r)
{
	int reading = READING;
	pthread_t thread = r->thread;

	if (!atomic_compare_exchange_strong(&r->phase, &reading, LEFT))
		return false;
	pthread_detach(thread);
	return true;
}

void passwd_watch(struct passwd *p, uint64_t now_ns)
{
	struct reader *r = atomic_load(&p->reader);

	if (!r || atomic_load(&r->phase) != READING ||
	    now_ns < atomic_load(&r->since_ns) + HANGS_S * NS_PER_SEC || !leave(r))
		return;
	if (p->hung++ == 0)
		log_warning("the passwd file of a container cannot be read: its file system hangs");
	atomic_store(&p->reader, p->hung < HUNG_MAX ? start_reader(p) : NULL);
	if (p->hung == HUNG_MAX)
		log_warning("passwd files of containers are not read any more: too many hang");
	eventfd_write(p->wake, 1);
}

static struct passwd *destroy(struct passwd *p)
{
	for (void *job; p->jobs && (job = queue_pop(p->jobs));)
		free(job);
	queue_free(p->jobs);
	outbox_done(&p->out);
	closep(&p->wake);
	free(p->host_root);
	free(p);
	return NULL;
}

int passwd_start(const char *host_root, void (*wake)(void *ctx), void *wake_ctx,
		 struct passwd **ret)
{
	struct passwd *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->host_root = strdup(host_root);
	p->jobs = queue_new(LIMIT_RUNTIME_REQUESTS);
	p->wake = eventfd(0, EFD_CLOEXEC);
	if (outbox_init(&p->out, wake, wake_ctx, &p->stop) < 0 || !p->host_root || !p->jobs ||
	    p->wake < 0) {
		destroy(p);
		return -ENOMEM;
	}
	p->reader = start_reader(p);
	if (!p->reader) {
		destroy(p);
		return -EAGAIN;
	}
	*ret = p;
	return 0;
}

void passwd_stop(struct passwd *p)
{
	struct reader *r = p ? atomic_load(&p->reader) : NULL;
	struct timespec soon;

	if (!r)
		return;
	atomic_store(&p->stop, true);
	eventfd_write(p->wake, 1);
	atomic_store(&p->reader, NULL);
	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_sec += STOP_WAIT_S;
	if (pthread_timedjoin_np(r->thread, NULL, &soon) != 0) {
		if (leave(r))
			return;
		pthread_join(r->thread, NULL);
	}
	free(r);
}

struct passwd *passwd_free(struct passwd *p)
{
	return p ? destroy(p) : NULL;
}

bool passwd_ask(struct passwd *p, const struct passwd_job *job)
{
	struct passwd_job *copy = atomic_load(&p->reader) ? malloc(sizeof(*copy)) : NULL;

	if (!copy)
		return false;
	*copy = *job;
	if (!queue_push(p->jobs, copy)) {
		free(copy);
		return false;
	}
	eventfd_write(p->wake, 1);
	return true;
}

struct rec_hdr *passwd_take(struct passwd *p)
{
	return outbox_take(&p->out);
}
