/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rules cost: the time to load them, then nanoseconds per event decoded and evaluated, with a capture run through
 * the pipeline again and again, and heap allocations of events without an alert. Several sets of rules take
 * turns, so that what else the machine does falls on all of them.
 *	pipeline CAPTURE ROUNDS RULES... [-- RULES...]...
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "daemon/pipeline.h"
#include "fields/catalogue.h"
#include "rule/load.h"
#include "source/capture.h"

extern void *__libc_malloc(size_t size);

static uint64_t mallocs;

void *malloc(size_t size)
{
	mallocs++;
	return __libc_malloc(size);
}

/* CPU time: what else runs on the machine does not count. */
static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

enum { MOST_SETS = 4, LOADS = 9 };

struct set {
	size_t nrules;
	double load_ms;
	struct loader *loader;
	struct ruleset *rules;
	struct pipeline *pipeline;
	uint64_t ns, alerts, mallocs, events;
};

static void count(struct alert *alert, const struct rule *rule, void *ctx)
{
	struct set *set = ctx;

	set->alerts++;
	alert_unref(alert);
}

static VEC(struct rec_hdr *) records;

static void read_capture(const char *path)
{
	struct diag diag = { 0 };
	struct capture_reader *reader;
	const struct rec_hdr *rec;

	if (capture_reader_open(path, &reader, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		exit(1);
	}
	while (capture_reader_next(reader, &rec, &diag) == 0) {
		struct rec_hdr *copy = malloc(rec->len);

		if (!copy || vec_push(&records, memcpy(copy, rec, rec->len)) < 0)
			abort();
	}
	capture_reader_close(reader);
}

static struct ruleset *load(char **files, int n, struct loader **ret_loader)
{
	static const struct loaded_plugin container = { "container", "0.7.0" };
	const struct load_options options = { .catalogue = fields_catalogue(),
					      .min_priority = PRIORITY_DEBUG,
					      .plugins = &container,
					      .nplugins = 1 };
	struct diag diag = { 0 };
	struct loader *l = loader_new(&options);

	for (int i = 0; i < n; i++)
		if (loader_add_file(l, files[i]) != 0)
			diag_set(&diag, "%s does not load", files[i]);
	struct ruleset *rs = diag.text[0] ? NULL : loader_finish(l, &diag);
	if (!rs) {
		fprintf(stderr, "%s\n", diag.text);
		exit(1);
	}
	*ret_loader = l;
	return rs;
}

/* The least of several times: the first one also pays for pages. */
static void set_load(struct set *set, char **files, int n)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < LOADS; i++) {
		ruleset_unref(set->rules);
		loader_free(set->loader);
		uint64_t start = cpu_ns();
		set->rules = load(files, n, &set->loader);
		uint64_t ns = cpu_ns() - start;
		least = ns < least ? ns : least;
	}
	set->load_ms = (double)least / 1e6;
	ruleset_rules(set->rules, &set->nrules);
}

static void set_open(struct set *set)
{
	static const struct alert_settings alert;

	set->pipeline = pipeline_new(&(struct pipeline_options){ .alert = &alert,
								 .hostname = "bench",
								 .first_seq = 1,
								 .publish = count,
								 .publish_ctx = set },
				     set->rules);
	if (!set->pipeline)
		exit(1);
	vec_foreach (r, &records)
		pipeline_feed(*r, set->pipeline);
}

static void set_round(struct set *set)
{
	uint64_t start = cpu_ns();

	vec_foreach (r, &records) {
		const struct event_info *info = event_info((*r)->type);
		uint64_t mallocs_before = mallocs, alerts_before = set->alerts;

		/* Those would end or renew processes again and again. */
		if (!info || info->kind == EVK_OURS || info->category == EVC_PROCESS)
			continue;
		pipeline_feed(*r, set->pipeline);
		set->events++;
		if (set->alerts == alerts_before)
			set->mallocs += mallocs - mallocs_before;
	}
	set->ns += cpu_ns() - start;
}

static double set_cost(const struct set *set)
{
	return (double)set->ns / (double)set->events;
}

int main(int argc, char **argv)
{
	struct set sets[MOST_SETS] = { 0 };
	size_t n = 0;
	uint64_t rounds;

	if (argc < 4 || str_to_u64(str_of(argv[2]), &rounds) < 0)
		return 2;
	read_capture(argv[1]);
	for (int i = 3, end; i < argc && n < MOST_SETS; i = end + 1) {
		for (end = i; end < argc && strcmp(argv[end], "--");)
			end++;
		set_load(&sets[n], argv + i, end - i);
		set_open(&sets[n++]);
	}
	/* In the round before the first, arenas reach their size. */
	for (uint64_t k = 0; k <= rounds; k++) {
		for (size_t i = 0; i < n; i++) {
			if (k == 1)
				sets[i].ns = sets[i].events = sets[i].alerts = sets[i].mallocs = 0;
			set_round(&sets[i]);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct set *s = &sets[i];

		printf("%6zu rules: loaded in %.1f ms; %.0f ns per event, x%.2f; %llu allocations "
		       "of %llu events without alert\n",
		       s->nrules, s->load_ms, set_cost(s), set_cost(s) / set_cost(sets),
		       (unsigned long long)s->mallocs, (unsigned long long)(s->events - s->alerts));
		pipeline_free(s->pipeline);
		ruleset_unref(s->rules);
		loader_free(s->loader);
	}
	return 0;
}
