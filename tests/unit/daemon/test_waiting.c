/* SPDX-License-Identifier: Apache-2.0 */
/* Events that wait for what their container is, and those that do not. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "daemon/pipeline.h"
#include "fields/catalogue.h"
#include "rule/load.h"

#define MS UINT64_C(1000000)

enum { WAIT_MS = 500, HOST = 0 };

static const char rules_text[] =
	"- rule: in container\n"
	"  desc: d\n"
	"  condition: evt.type = execve and container.id != host and not proc.exe = quiet\n"
	"  output: \"name=%container.name tag=%container.image.tag exe=%proc.exe\"\n"
	"  priority: INFO\n"
	"- rule: on host\n"
	"  desc: d\n"
	"  condition: evt.type = execve and container.id = host\n"
	"  output: host exe=%proc.exe\n"
	"  priority: INFO\n";

static const char other_rules_text[] = "- rule: nothing\n"
				       "  desc: d\n"
				       "  condition: evt.type = execve and proc.exe = none\n"
				       "  output: none\n"
				       "  priority: INFO\n";

struct rules {
	struct loader *loader;
	struct ruleset *set;
};

struct world {
	struct rules rules;
	struct pipeline *p;
	struct record_builder builder;
	uint64_t now_ns;
	uint32_t next_pid;
	unsigned asked;
	bool refuses; /* nobody can be asked */
	char published[32][160];
	uint64_t seqs[32];
	size_t n;
};

static struct rules load(const char *text)
{
	const struct load_options options = { .catalogue = fields_catalogue(),
					      .min_priority = PRIORITY_DEBUG };
	struct diag diag = { 0 };
	struct rules r = { .loader = loader_new(&options) };

	assert_int_equal(loader_add(r.loader, "rules", str_of(text)), 0);
	r.set = loader_finish(r.loader, &diag);
	assert_non_null(r.set);
	return r;
}

static void unload(struct rules *r)
{
	ruleset_unref(r->set);
	loader_free(r->loader);
}

static void publish(struct alert *alert, const struct rule *rule, void *ctx)
{
	struct world *w = ctx;
	struct str line = alert_line(&alert->wire);
	size_t at = line.len;

	/* What stands behind the time and the priority. */
	for (size_t i = 0; i + 5 < line.len && at == line.len; i++)
		if (str_starts(str_skip(line, i), STR("name=")) ||
		    str_starts(str_skip(line, i), STR("host ")))
			at = i;
	if (w->n < ARRAY_SIZE(w->published)) {
		snprintf(w->published[w->n], sizeof(w->published[0]), STR_FMT,
			 STR_ARG(str_trim(str_skip(line, at))));
		w->seqs[w->n] = alert->wire.seq;
	}
	w->n++;
	alert_unref(alert);
}

static bool ask(const struct container *c, const struct rec_ident *inside, void *ctx)
{
	struct world *w = ctx;

	if (inside)
		return false;
	w->asked++;
	return !w->refuses;
}

static void set_up(struct world *w)
{
	static const struct alert_settings alert;

	*w = (struct world){ .rules = load(rules_text), .now_ns = 1000000 * MS, .next_pid = 100 };
	w->p = pipeline_new(&(struct pipeline_options){ .alert = &alert,
							.hostname = "h",
							.first_seq = 1,
							.publish = publish,
							.publish_ctx = w,
							.ask = ask,
							.ask_ctx = w,
							.wait_ns = WAIT_MS * MS },
			    w->rules.set);
	assert_non_null(w->p);
}

static void tear_down(struct world *w)
{
	pipeline_free(w->p);
	unload(&w->rules);
}

static void feed(struct world *w)
{
	const struct rec_hdr *rec = record_end(&w->builder);

	assert_non_null(rec);
	pipeline_feed(rec, w->p);
}

/* A new process executes: in the container of that number, or on the host. */
static void execs(struct world *w, unsigned container, const char *exe)
{
	uint32_t pid = w->next_pid++;
	struct rec_ident who = { .start_ns = w->now_ns,
				 .pid = pid,
				 .tid = pid,
				 .vpid = pid,
				 .vtid = pid,
				 .loginuid = UINT32_MAX,
				 .mnt_ns = 1,
				 .pid_ns = 2,
				 .comm = "comm" };
	char cgroup[96];

	w->now_ns += MS;
	record_begin(&w->builder, EV_SYSCALL_EXECVE_19_X, w->now_ns, &who);
	record_i64(&w->builder, 0);
	record_str(&w->builder, str_of(exe));
	record_param(&w->builder, "", 0);
	record_i64(&w->builder, pid);
	record_i64(&w->builder, pid);
	record_i64(&w->builder, 1);
	record_str(&w->builder, STR("/"));
	for (unsigned i = 0; i < 3; i++)
		record_u64(&w->builder, 0);
	for (unsigned i = 0; i < 3; i++)
		record_u32(&w->builder, 0);
	record_str(&w->builder, STR("comm"));
	if (container)
		snprintf(cgroup, sizeof(cgroup), "cpu=/docker/%012x%052x", container, 0);
	else
		snprintf(cgroup, sizeof(cgroup), "cpu=/user.slice");
	record_param(&w->builder, cgroup, strlen(cgroup) + 1);
	feed(w);
}

/* A runtime's answer; json with its number for %u. */
static void answered(struct world *w, unsigned container, const char *name, bool partial)
{
	char id[16], json[256];

	snprintf(id, sizeof(id), "%012x", container);
	if (name)
		snprintf(json, sizeof(json), "{\"name\":\"%s\",\"image\":\"r/web:1\"%s}", name,
			 partial ? ",\"partial\":true" : "");
	record_begin(&w->builder, EV_CONTAINER_INFO, w->now_ns += MS, NULL);
	record_str(&w->builder, str_of(id));
	record_str(&w->builder, str_of(name ? json : "{}"));
	feed(w);
}

static void passes(struct world *w, uint64_t ms)
{
	w->now_ns += ms * MS;
	pipeline_tick(w->p, w->now_ns);
}

/* The next published one, of that sequence number. */
static void assert_next(struct world *w, size_t *at, const char *wanted)
{
	assert_true(*at < w->n);
	assert_string_equal(w->published[*at], wanted);
	assert_int_equal(w->seqs[*at], *at + 1);
	++*at;
}

static struct waiting_counters counters(const struct world *w)
{
	struct pipeline_counters n;

	pipeline_counters(w->p, &n);
	return n.waiting;
}

static void only_alerts_of_the_container_wait(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	answered(&w, 2, "known", false);
	execs(&w, 1, "first");
	execs(&w, 2, "other");
	execs(&w, 1, "second");
	execs(&w, HOST, "tool");
	execs(&w, 1, "quiet"); /* no rule can match it: it does not wait */
	execs(&w, 3, "third");
	assert_int_equal(counters(&w).waited, 3);
	assert_next(&w, &at, "name=known tag=1 exe=other");
	assert_next(&w, &at, "host exe=tool");
	assert_int_equal(w.n, at);
	/* Numbers are given when alerts are published, in each container in the order of its events. */
	answered(&w, 3, "three", false);
	assert_next(&w, &at, "name=three tag=1 exe=third");
	assert_int_equal(w.n, at);
	answered(&w, 1, "one", false);
	assert_next(&w, &at, "name=one tag=1 exe=first");
	assert_next(&w, &at, "name=one tag=1 exe=second");
	execs(&w, 1, "fourth");
	assert_next(&w, &at, "name=one tag=1 exe=fourth");
	assert_int_equal(w.n, at);
	assert_int_equal(w.asked, 2);
	assert_int_equal(counters(&w).answered, 3);
	assert_int_equal(counters(&w).without, 0);
	tear_down(&w);
}

static void waiting_ends(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	execs(&w, 1, "a");
	passes(&w, WAIT_MS - 2);
	assert_int_equal(w.n, 0);
	passes(&w, 2);
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=a");
	assert_int_equal(counters(&w).without, 1);
	assert_in_range(counters(&w).longest_ns, WAIT_MS * MS, (WAIT_MS + 1) * MS);
	/* Other events are clock enough. */
	execs(&w, 2, "b");
	w.now_ns += WAIT_MS * MS;
	execs(&w, HOST, "tool");
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=b");
	assert_next(&w, &at, "host exe=tool");
	tear_down(&w);
}

/* What the runtime's event told serves when there is no more to be had. */
static void a_part_is_used_in_the_end(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	answered(&w, 1, "part", true);
	execs(&w, 1, "a");
	execs(&w, 2, "b");
	answered(&w, 2, "part", true);
	assert_int_equal(w.n, 0);
	answered(&w, 1, NULL, false);
	assert_next(&w, &at, "name=part tag=1 exe=a");
	passes(&w, WAIT_MS);
	assert_next(&w, &at, "name=part tag=1 exe=b");
	assert_int_equal(counters(&w).partly, 2);
	/* And does not take the whole's place. */
	answered(&w, 1, "whole", false);
	answered(&w, 1, "part", true);
	execs(&w, 1, "c");
	assert_next(&w, &at, "name=whole tag=1 exe=c");
	tear_down(&w);
}

/* The first program of a container may come long after its cgroup, for which the runtime was asked too early. */
static void what_nobody_knew_is_asked_for_again(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	execs(&w, 1, "quiet");
	assert_int_equal(w.asked, 1);
	answered(&w, 1, NULL, false);
	execs(&w, 1, "quiet");
	assert_int_equal(w.asked, 1); /* nothing would wait for it */
	execs(&w, 1, "a");
	execs(&w, 1, "b");
	assert_int_equal(w.asked, 2);
	assert_int_equal(w.n, 0);
	answered(&w, 1, NULL, false);
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=a");
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=b");
	/* Ever more seldom: not at every event. */
	execs(&w, 1, "c");
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=c");
	assert_int_equal(w.asked, 2);
	passes(&w, WAIT_MS);
	execs(&w, 1, "d");
	assert_int_equal(w.asked, 3);
	answered(&w, 1, "late", false);
	assert_next(&w, &at, "name=late tag=1 exe=d");
	/* Where nobody can be asked nothing waits. */
	w.refuses = true;
	execs(&w, 2, "e");
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=e");
	tear_down(&w);
}

static void one_container_cannot_fill_the_room(void **state)
{
	struct world w;

	set_up(&w);
	for (unsigned i = 0; i < LIMIT_WAITING_CONTAINER + 5; i++)
		execs(&w, 1, "a");
	assert_int_equal(w.n, 5);
	assert_int_equal(counters(&w).refused, 5);
	execs(&w, 2, "b");
	assert_int_equal(w.n, 5);
	answered(&w, 1, "one", false);
	answered(&w, 2, "two", false);
	assert_int_equal(w.n, LIMIT_WAITING_CONTAINER + 6);
	tear_down(&w);
}

/* The rules that saw the event decide on it, whatever is in force when its answer comes. */
static void a_reload_does_not_lose_it(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	execs(&w, 1, "a");
	struct rules other = load(other_rules_text);

	assert_int_equal(pipeline_rules(w.p, other.set), 0);
	execs(&w, 1, "b");
	answered(&w, 1, "one", false);
	assert_next(&w, &at, "name=one tag=1 exe=a");
	assert_int_equal(w.n, at);
	tear_down(&w);
	unload(&other);
}

static void nothing_is_lost_at_the_end(void **state)
{
	struct world w;
	size_t at = 0;

	set_up(&w);
	execs(&w, 1, "a");
	pipeline_flush(w.p);
	assert_next(&w, &at, "name=<NA> tag=<NA> exe=a");
	tear_down(&w);
}

static void a_thousand_containers_are_small(void **state)
{
	enum { N = 1000, MOST = 8 << 20 };
	_cleanup_(strbuf_done) struct strbuf json = { 0 };
	struct world w;

	set_up(&w);
	struct mallinfo2 before = mallinfo2();

	for (unsigned i = 1; i <= N; i++) {
		char id[16];

		execs(&w, i, "a");
		strbuf_clear(&json);
		strbuf_printf(&json,
			      "{\"full_id\":\"%012x%052x\",\"name\":\"web-%u\",\"image\":"
			      "\"registry.example/team/web:1.2\",\"labels\":{",
			      i, 0, i);
		for (unsigned k = 0; k < 20; k++)
			strbuf_printf(
				&json,
				"%s\"app.kubernetes.io/label-%u\":\"value of some length %u\"",
				k ? "," : "", k, k);
		strbuf_addz(&json, "},\"mounts\":[");
		for (unsigned k = 0; k < 8; k++)
			strbuf_printf(
				&json,
				"%s{\"source\":\"/var/lib/kubelet/pods/11111111-2222/volumes/v%u\","
				"\"dest\":\"/srv/%u\",\"mode\":\"\",\"propagation\":\"private\","
				"\"rdwr\":true}",
				k ? "," : "", k, k);
		strbuf_addz(&json, "]}");
		snprintf(id, sizeof(id), "%012x", i);
		record_begin(&w.builder, EV_CONTAINER_INFO, w.now_ns += MS, NULL);
		record_str(&w.builder, str_of(id));
		record_str(&w.builder, strbuf_str(&json));
		feed(&w);
	}
	struct mallinfo2 after = mallinfo2();
	size_t used = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;

	print_message("%u containers and their processes: %zu bytes\n", (unsigned)N, used);
	assert_int_equal(w.n, N);
	assert_true(used <= MOST);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_alerts_of_the_container_wait),
		cmocka_unit_test(waiting_ends),
		cmocka_unit_test(a_part_is_used_in_the_end),
		cmocka_unit_test(what_nobody_knew_is_asked_for_again),
		cmocka_unit_test(one_container_cannot_fill_the_room),
		cmocka_unit_test(a_reload_does_not_lose_it),
		cmocka_unit_test(nothing_is_lost_at_the_end),
		cmocka_unit_test(a_thousand_containers_are_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
