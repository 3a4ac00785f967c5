/* SPDX-License-Identifier: Apache-2.0 */
/* Failures in the child end it with a status the parent's test asserts on. */
#include "watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "event/event.h"
#include "event/text.h"

void must(long got, long want)
{
	if (want < 0 ? got != -1 || errno != -want : got != want) {
		fprintf(stderr, "child: got %ld (errno %d), wanted %ld\n", got, errno, want);
		_exit(99);
	}
}

void must_be_ok(long got)
{
	if (got < 0) {
		fprintf(stderr, "child: %s\n", strerror(errno));
		_exit(98);
	}
}

static void collect(const struct rec_hdr *rec, void *ctx)
{
	struct watch *w = ctx;

	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 256;
		w->recs = realloc(w->recs, w->cap * sizeof(*w->recs));
		assert_non_null(w->recs);
	}
	w->recs[w->n] = malloc(rec->len);
	assert_non_null(w->recs[w->n]);
	memcpy(w->recs[w->n++], rec, rec->len);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void drain(struct watch *w, struct bpf_source *s, int rounds)
{
	for (int idle = 0; idle < rounds; idle++) {
		if (bpf_source_drain(s, SIZE_MAX, collect, w) > 0)
			idle = 0;
		usleep(1000);
	}
}

void watch_run(struct watch *w, const uint16_t *events, void (*fn)(const char *dir))
{
	char dir[] = "/tmp/probe-test-XXXXXX", go = 1;
	struct bpf_source *s = NULL;
	struct bitset set = { 0 };
	struct diag d = { 0 };
	int gate[2];

	*w = (struct watch){ 0 };
	assert_non_null(mkdtemp(dir));
	memcpy(w->dir, dir, sizeof(dir));
	assert_int_equal(pipe(gate), 0);
	fflush(NULL);
	w->root = fork();
	if (w->root == 0) {
		must(chdir(dir), 0);
		close(gate[1]);
		must(read(gate[0], &go, 1), 1);
		close(gate[0]);
		fn(dir);
		_exit(0);
	}
	assert_true(w->root > 0);
	close(gate[0]);
	for (const uint16_t *e = events; e && *e; e++)
		bitset_add(&set, *e);
	struct bpf_options o = {
		.ring_bytes = 4 << 20,
		.scope = SCOPE_PID,
		.scope_id = (uint64_t)w->root,
		.events = events ? &set : NULL,
	};
	int r = bpf_source_open(&o, &s, &d);

	if (r < 0)
		fprintf(stderr, "%s\n", d.text);
	assert_int_equal(r, 0);
	assert_int_equal(write(gate[1], &go, 1), 1);
	close(gate[1]);
	while (waitpid(w->root, &w->status, WNOHANG) == 0)
		drain(w, s, 1);
	drain(w, s, 4);
	bpf_source_stats(s, &w->stats);
	bpf_source_close(s);
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(bpf_stats_drops(&w->stats), 0);
	assert_int_equal(w->status, 0);
}

void watch_done(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->recs[i]);
	free(w->recs);
	*w = (struct watch){ 0 };
}

size_t watch_count(const struct watch *w, uint16_t event, uint32_t tid)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->recs[i]->type == event && (!tid || w->recs[i]->who.tid == tid);
	return n;
}

const struct rec_hdr *watch_get(const struct watch *w, uint16_t event, size_t nth)
{
	for (size_t i = 0; i < w->n; i++) {
		if (w->recs[i]->type == event && nth-- == 0)
			return w->recs[i];
	}
	fail_msg("no event %u", event);
	return NULL;
}

/* Walks the lengths; every step is checked, as this is also a check of the layout. */
static const unsigned char *find(const struct rec_hdr *r, unsigned want, bool extra, int *ret_len)
{
	const unsigned char *base = (const unsigned char *)r;
	const uint16_t *len = (const uint16_t *)(const void *)(r + 1);
	const struct rec_ext *x = (const struct rec_ext *)(const void *)(len + r->nparams);
	size_t at = (sizeof(*r) + r->nparams * 2u + r->nextras * 4u + 7) & ~(size_t)7;

	for (unsigned i = 0; i < r->nparams; i++) {
		if (!extra && i == want) {
			*ret_len = len[i] == REC_MISSING ? -1 : len[i];
			return base + at;
		}
		if (len[i] != REC_MISSING)
			at += (len[i] + 7u) & ~7u;
		assert_true(at <= r->len);
	}
	for (unsigned i = 0; i < r->nextras; i++) {
		if (extra && x[i].tag == want) {
			*ret_len = x[i].len;
			return base + at;
		}
		at += (x[i].len + 7u) & ~7u;
		assert_true(at <= r->len);
	}
	assert_int_equal(at, r->len);
	*ret_len = -1;
	return NULL;
}

int rec_param(const struct rec_hdr *r, unsigned i, const unsigned char **ret)
{
	int n;

	assert_true(i < r->nparams);
	*ret = find(r, i, false, &n);
	return n;
}

int rec_extra(const struct rec_hdr *r, uint16_t tag, const unsigned char **ret)
{
	int n;

	*ret = find(r, tag, true, &n);
	return n;
}

int64_t rec_num(const struct rec_hdr *r, unsigned i)
{
	const unsigned char *p;
	int64_t v = 0;
	int n = rec_param(r, i, &p);

	assert_true(n == 1 || n == 2 || n == 4 || n == 8);
	memcpy(&v, p, (size_t)n);
	return v;
}

static void check_text(const unsigned char *p, int n, const char *want)
{
	char got[5000];

	if (!want) {
		assert_int_equal(n, -1);
		return;
	}
	assert_true(n >= 0 && (size_t)n < sizeof(got));
	memcpy(got, p, (size_t)n);
	got[n] = '\0';
	assert_string_equal(got, want);
	assert_int_equal(n, strlen(want));
}

void assert_text(const struct rec_hdr *r, unsigned i, const char *want)
{
	const unsigned char *p;
	int n = rec_param(r, i, &p);

	check_text(p, n, want);
}

void assert_extra(const struct rec_hdr *r, uint16_t tag, const char *want)
{
	const unsigned char *p;
	int n = rec_extra(r, tag, &p);

	check_text(p, n, want);
}

const struct rec_fd *rec_fd_of(const struct rec_hdr *r)
{
	const unsigned char *p;

	assert_int_equal(rec_extra(r, REC_X_FD, &p), sizeof(struct rec_fd));
	return (const struct rec_fd *)(const void *)p;
}

/* The pattern with "%D" replaced. */
static void with_dir(const struct watch *w, const char *pattern, struct strbuf *out)
{
	const char *at;

	while ((at = strstr(pattern, "%D"))) {
		strbuf_add(out, (struct str){ pattern, (size_t)(at - pattern) });
		strbuf_addz(out, w->dir);
		pattern = at + 2;
	}
	strbuf_addz(out, pattern);
}

static void assert_args(const struct watch *w, const struct expected *e)
{
	const struct rec_hdr *r = watch_get(w, e->event, e->nth);
	struct strbuf got = { 0 }, want = { 0 };
	struct event ev;

	assert_int_equal(event_decode(r, r->len, &ev), 0);
	assert_int_equal(r->nparams, ev.info->nparams);
	event_print_args(&ev, NULL, &got);
	with_dir(w, e->args, &want);
	if (fnmatch(strbuf_z(&want), strbuf_z(&got), 0) != 0)
		fail_msg("%s %u: got \"%.600s\", wanted \"%s\"", ev.info->name, e->nth,
			 strbuf_z(&got), strbuf_z(&want));
	strbuf_done(&got);
	strbuf_done(&want);
}

void assert_events(const struct watch *w, const struct expected *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t seen = watch_count(w, e[i].event, 0);

		if (seen != e[i].count)
			fail_msg("%s was seen %zu times, wanted %u", event_info(e[i].event)->name,
				 seen, e[i].count);
		assert_args(w, &e[i]);
	}
}
