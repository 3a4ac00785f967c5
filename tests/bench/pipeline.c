/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nanoseconds and heap allocations per event decoded and evaluated: a capture run through the pipeline
 * again and again.
 *	pipeline CAPTURE ROUNDS RULES...
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static uint64_t alerts;

static void count(struct alert *alert, const struct rule *rule, void *ctx)
{
	alerts++;
	alert_unref(alert);
}

static VEC(struct rec_hdr *) records;

static void keep(const struct rec_hdr *rec, void *ctx)
{
	struct rec_hdr *copy = malloc(rec->len);

	if (!copy)
		abort();
	memcpy(copy, rec, rec->len);
	if (vec_push(&records, copy) < 0)
		abort();
}

int main(int argc, char **argv)
{
	struct diag diag = { 0 };
	struct capture_reader *reader;
	struct alert_settings alert = { 0 };

	uint64_t rounds;

	if (argc < 4 || str_to_u64(str_of(argv[2]), &rounds) < 0)
		return 2;
	const struct loaded_plugin container = { "container", "0.7.0" };
	struct loader *l = loader_new(&(struct load_options){ .catalogue = fields_catalogue(),
							      .min_priority = PRIORITY_DEBUG,
							      .plugins = &container,
							      .nplugins = 1 });
	for (int i = 3; i < argc; i++)
		loader_add_file(l, argv[i]);
	struct ruleset *rs = loader_finish(l, &diag);
	if (!rs || capture_reader_open(argv[1], &reader, &diag) < 0) {
		fprintf(stderr, "%s\n", diag.text);
		return 1;
	}
	const struct rec_hdr *rec;
	while (capture_reader_next(reader, &rec, &diag) == 0)
		keep(rec, NULL);
	struct pipeline *p = pipeline_new(
		&(struct pipeline_options){
			.alert = &alert, .hostname = "bench", .first_seq = 1, .publish = count },
		rs);
	if (!p)
		return 1;
	vec_foreach (r, &records)
		pipeline_feed(*r, p);
	size_t evaluated = 0;
	uint64_t alerts_before = alerts, mallocs_before = mallocs;
	uint64_t start = cpu_ns();
	for (uint64_t k = 0; k < rounds; k++) {
		vec_foreach (r, &records) {
			const struct event_info *info = event_info((*r)->type);

			/* Those would end or renew processes again and again. */
			if (!info || info->kind == EVK_OURS || info->category == EVC_PROCESS)
				continue;
			pipeline_feed(*r, p);
			evaluated++;
		}
	}
	uint64_t ns = cpu_ns() - start;
	printf("%zu records, %zu events evaluated: %.0f ns each, %.4f allocations each, "
	       "%.4f alerts each\n",
	       records.n, evaluated, (double)ns / (double)evaluated,
	       (double)(mallocs - mallocs_before) / (double)evaluated,
	       (double)(alerts - alerts_before) / (double)evaluated);
	pipeline_free(p);
	ruleset_unref(rs);
	loader_free(l);
	return 0;
}
