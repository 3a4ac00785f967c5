/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sensor. Everything that can be wrong in what the user gave is found before the first event: rules,
 * channels, certificates, addresses; then the probe is opened, then the engine starts. The main thread
 * stays as the control thread.
 */
#include "daemon/sensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "daemon/accounts_watch.h"
#include "daemon/answers.h"
#include "daemon/attach.h"
#include "daemon/engine.h"
#include "daemon/health.h"
#include "daemon/measure.h"
#include "daemon/names.h"
#include "daemon/netproc.h"
#include "daemon/notify.h"
#include "daemon/reload.h"
#include "daemon/rules.h"
#include "daemon/settings.h"
#include "daemon/sink.h"
#include "daemon/snapshot.h"
#include "daemon/summary.h"

struct sensor {
	struct config *config;
	const struct args *args;
	struct ruleset *rules;
	struct sink sink;
	struct bpf_source *source;
	struct attach attach; /* as at the start; then reload has it */
	struct capture_writer *capture;
	struct pipeline *pipeline;
	_Atomic(struct engine *) engine; /* runtimes' threads wake it */
	struct runtime *runtime;
	struct netproc *net;
	struct stats *stats;
	struct measure *measure;
	struct reload *reload;
	struct answers *answers;
	struct accounts_watch *accounts;
	struct names *names;
	struct health *health;
	struct snapshot *snapshot;
	uv_async_t give_up, changed;
	uv_loop_t loop;
	uv_signal_t signals[4];
	uv_timer_t deadline;
	int status;
};

static void stop(struct sensor *s, int status)
{
	s->status = status;
	uv_stop(&s->loop);
}

static void on_deadline(uv_timer_t *t)
{
	stop(t->data, 0);
}

static void on_give_up(uv_async_t *a)
{
	log_error("the end, because syscall_event_drops.actions has exit");
	stop(a->data, 1);
}

/* Engine thread. */
static void give_up(void *ctx)
{
	struct sensor *s = ctx;

	uv_async_send(&s->give_up);
}

/* Engine thread. */
static void take_outlets(void *ctx)
{
	struct sensor *s = ctx;

	sink_take(&s->sink);
}

/* Engine thread. */
static void tell_changed(void *ctx)
{
	struct sensor *s = ctx;

	uv_async_send(&s->changed);
}

static void on_changed(uv_async_t *a)
{
	struct sensor *s = a->data;

	sink_retire(&s->sink);
	reload_done(s->reload);
}

/* Nothing that can fail comes after the engine has been told. */
static int apply(struct config *config, struct ruleset *rs, void *ctx, struct diag *diag)
{
	struct sensor *s = ctx;
	struct outlets wanted;
	int r = netproc_check(s->net, config, diag);

	if (r == 0)
		r = settings_channels(config, &s->sink.now, &wanted, diag);
	if (r < 0)
		return r;
	sink_offer(&s->sink, &wanted);
	r = engine_change(s->engine, &(struct engine_change){ .rules = rs,
							      .manner = settings_manner(config),
							      .drops = settings_drops(config),
							      .apply = take_outlets,
							      .done = tell_changed,
							      .ctx = s });
	if (r < 0) {
		diag_set(diag, "%s", strerror(-r));
		return r;
	}
	ruleset_unref(s->rules);
	s->rules = ruleset_ref(rs);
	config_unref(s->config);
	s->config = config_ref(config);
	settings_log(config);
	measure_change(s->measure, config, rs);
	health_change(s->health, config);
	snapshot_change(s->snapshot, config);
	netproc_change(s->net, config);
	names_rules(s->names, rs);
	return 0;
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct sensor *s = h->data;

	switch (signum) {
	case SIGHUP: reload_ask(s->reload); break;
	case SIGUSR1: sink_reopen(&s->sink); break;
	default: stop(s, 0); break;
	}
}

static int load_rules(struct sensor *s, struct diag *diag)
{
	struct loader *l = NULL;
	int r = rules_load(s->config, s->args, &l, &s->rules, diag);

	if (l && loader_warnings(l) && r == 0) {
		_cleanup_(strbuf_done) struct strbuf text = { 0 };

		loader_print(l, true, &text);
		if (strbuf_z(&text))
			io_write_all(STDERR_FILENO, strbuf_str(&text));
	}
	if (r && !diag->text[0] && l) {
		rules_error(l, diag);
	} else if (r && !diag->text[0]) {
		diag_set(diag, "rules: %s", strerror(r < 0 ? -r : EINVAL));
	}
	loader_free(l);
	return r ? 1 : 0;
}

static int open_probe(struct sensor *s, struct diag *diag)
{
	struct bpf_options options = { .events = &s->attach.events,
				       .syscalls = &s->attach.syscalls,
				       .extras = s->attach.extras,
				       .selftest = true };

	settings_probe(s->config, &options);
	int r = attach_choose(s->config, s->rules, &s->attach, diag);
	if (r < 0)
		return 1;
	r = settings_scope(s->config, &options, diag);
	if (r < 0)
		return 1;
	log_info("Opening 'syscall' source with modern BPF probe.");
	r = bpf_source_open(&options, &s->source, diag);
	if (r == 0)
		return 0;
	return r == -EPERM || r == -EACCES ? SENSOR_EXIT_NO_EBPF : 1;
}

static int open_outputs(struct sensor *s, struct diag *diag)
{
	int r = stats_new(&s->stats);

	if (r < 0) {
		diag_set(diag, "counters: %s", strerror(-r));
		return 1;
	}
	s->sink.stats = s->stats;
	struct outlets outlets;

	r = settings_channels(s->config, &s->sink.now, &outlets, diag);
	if (r < 0)
		return 1;
	sink_offer(&s->sink, &outlets);
	sink_take(&s->sink);
	bool grpc = s->config->grpc.enabled && s->config->grpc_output;
	struct settings_receiver receivers[SETTINGS_RECEIVERS];
	bool http = settings_receivers(s->config, receivers) > 0;
	if (!s->sink.now.n && !grpc && !http) {
		diag_set(diag,
			 "no output is enabled: enable stdout_output, file_output or another");
		return 1;
	}
	size_t names;

	/* Names in rules are looked up there. */
	ruleset_host_names(s->rules, &names);
	if (!grpc && !http && !s->config->webserver.enabled && !names)
		return 0;
	if (s->config->tiercel.processes == CONFIG_PROCESSES_ONE)
		log_warning("tiercel.processes: one process is not offered yet; there will be two");
	r = link_writer_new((size_t)s->config->tiercel.link_bytes, &s->sink.link);
	if (r < 0) {
		diag_set(diag, "link to the network process: %s", strerror(-r));
		return 1;
	}
	return netproc_start(s->config, &s->loop, s->sink.link, s->stats, &s->net, diag) < 0 ? 1
											     : 0;
}

static void wake_engine(void *ctx)
{
	struct sensor *s = ctx;

	engine_wake(s->engine);
}

static bool ask_runtime(const struct container *c, const struct rec_ident *inside, void *ctx)
{
	struct sensor *s = ctx;

	if (inside)
		return runtime_ask_accounts(s->runtime, c->id, inside->pid, inside->mnt_ns);
	return runtime_ask(s->runtime, &(struct runtime_question){ .id = c->id,
								   .full_id = c->full_id,
								   .space = c->space,
								   .type = c->guess,
								   .owner = c->owner });
}

static void discard(const struct probe_key *key, void *ctx)
{
	struct sensor *s = ctx;

	(void)bpf_source_discard(s->source, key);
}

/* Without it events do not wait: nobody would answer. */
static void start_runtime(struct sensor *s, struct pipeline_options *po)
{
	struct runtime_socket sockets[32];
	struct runtime_options o;

	settings_runtime(s->config, sockets, ARRAY_SIZE(sockets), &o);
	o.wake = wake_engine;
	o.wake_ctx = s;
	int r = runtime_start(&o, &s->runtime);

	if (r < 0) {
		log_error("container runtimes cannot be asked: %s", strerror(-r));
		po->wait_ns = 0;
		return;
	}
	po->ask = ask_runtime;
	po->ask_ctx = s;
}

static int start_engine(struct sensor *s, const char *record, struct diag *diag)
{
	struct alert_settings alert;
	struct pipeline_options po = { 0 };

	settings_alert(s->config, &alert);
	settings_pipeline(s->config, &alert, &po);
	po.boot_offset_ns = clock_boot_offset_ns();
	if (s->net && netproc_first_seq(s->net))
		po.first_seq = netproc_first_seq(s->net);
	po.publish = sink_publish;
	po.publish_ctx = &s->sink;
	if (record) {
		struct capture_info info = { .wall_offset_ns = po.boot_offset_ns };

		memcpy(info.hostname, alert.hostname, sizeof(info.hostname));
		int r = capture_writer_open(record, &info, 0, &s->capture);
		if (r < 0) {
			diag_set(diag, "%s: %s", record, strerror(-r));
			return 1;
		}
	}
	start_runtime(s, &po);
	if (s->config->tiercel.kernel_filter && !record) {
		po.discard = discard;
		po.discard_ctx = s;
	}
	s->pipeline = pipeline_new(&po, s->rules);
	struct engine *engine = NULL;
	const struct engine_options eo = {
		.source = s->source,
		.pipeline = s->pipeline,
		.runtime = s->runtime,
		.capture = s->capture,
		.stats = s->stats,
		.drops = settings_drops(s->config),
		.give_up = give_up,
		.give_up_ctx = s,
		.host_root = settings_host_root(),
	};
	/* A start counts as a sign of life. */
	stats_set(s->stats, STAT_ENGINE_TIME, clock_boot_ns());
	stats_set(s->stats, STAT_HEARTBEAT, clock_boot_ns());
	int r = s->pipeline ? engine_start(&eo, &engine) : -ENOMEM;
	s->engine = engine;
	netproc_engine(s->net, engine);
	if (r < 0)
		diag_set(diag, "engine: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static int start_reload(struct sensor *s, struct diag *diag)
{
	int r = reload_start(&(struct reload_options){ .loop = &s->loop,
						       .config = s->config,
						       .args = s->args,
						       .engine = s->engine,
						       .source = s->source,
						       .attach = s->attach,
						       .stats = s->stats,
						       .apply = apply,
						       .ctx = s },
			     &s->reload);

	if (r < 0)
		diag_set(diag, "reload: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static int start_health(struct sensor *s, struct diag *diag)
{
	int r = health_start(&(struct health_options){ .loop = &s->loop,
						       .stats = s->stats,
						       .source = s->source,
						       .sink = &s->sink,
						       .config = s->config },
			     &s->health);

	if (r == 0)
		r = snapshot_start(&(struct snapshot_options){ .loop = &s->loop,
							       .config = s->config,
							       .args = s->args,
							       .engine = s->engine,
							       .stats = s->stats },
				   &s->snapshot);
	if (r < 0)
		diag_set(diag, "health: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static int start_answers(struct sensor *s, struct diag *diag)
{
	int r = answers_start(&(struct answers_options){ .loop = &s->loop,
							 .args = s->args,
							 .net = s->net,
							 .reload = s->reload,
							 .measure = s->measure },
			      &s->answers);

	if (r < 0)
		diag_set(diag, "answers: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static int start_measure(struct sensor *s, struct diag *diag)
{
	int r = measure_start(&(struct measure_options){ .loop = &s->loop,
							 .stats = s->stats,
							 .config = s->config,
							 .args = s->args,
							 .sink = &s->sink,
							 .net = s->net,
							 .rules = s->rules,
							 .source = s->source },
			      &s->measure);

	if (r < 0)
		diag_set(diag, "counters: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static void watch_accounts(struct sensor *s)
{
	int r = accounts_watch_start(&s->loop, s->engine, settings_host_root(), &s->accounts);

	if (r < 0)
		log_warning("%s/etc cannot be watched (%s): names of users stay as they are now",
			    settings_host_root(), uv_strerror(r));
}

static int write_pid(const char *path, struct diag *diag)
{
	char text[16];
	FILE *f = path ? fopen(path, "we") : NULL;

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", getpid());
	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		diag_set(diag, "pid file %s: %s", path, strerror(errno));
		return 255;
	}
	return 0;
}

static void watch(struct sensor *s)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		s->signals[i].data = s;
		uv_signal_init(&s->loop, &s->signals[i]);
		uv_signal_start(&s->signals[i], on_signal, numbers[i]);
	}
	s->deadline.data = s;
	uv_timer_init(&s->loop, &s->deadline);
	if (s->args->seconds)
		uv_timer_start(&s->deadline, on_deadline, s->args->seconds * 1000, 0);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	uv_close((uv_handle_t *)&s->deadline, NULL);
}

static uint64_t matches_of(const struct rule *rule, const void *ctx)
{
	return measure_matches(ctx, rule);
}

static void report_end(struct sensor *s)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct pipeline_counters n;
	struct bpf_stats stats = { 0 };

	pipeline_counters(s->pipeline, &n);
	bpf_source_stats(s->source, &stats);
	summary_print(s->rules, matches_of, s->measure, &text);
	io_write_all(STDOUT_FILENO, strbuf_str(&text));
	log_info("%lu events, %lu alerts; dropped: %lu on full rings", n.events, n.alerts,
		 bpf_stats_drops(&stats));
}

/* Runtimes' threads wake the engine, and the engine asks: they end first, and are freed last. */
static void stop_engine(struct sensor *s)
{
	netproc_engine(s->net, NULL);
	runtime_stop(s->runtime);
	s->engine = engine_stop(s->engine);
	s->runtime = runtime_free(s->runtime);
}

/* Who asked for a reload is told of it, or else of nothing. */
static void stop_answers(struct sensor *s)
{
	s->reload = reload_stop(s->reload);
	s->answers = answers_stop(s->answers);
}

static void close_all(struct sensor *s)
{
	stop_answers(s);
	s->accounts = accounts_watch_stop(s->accounts);
	s->names = names_stop(s->names);
	stop_engine(s);
	s->measure = measure_stop(s->measure);
	s->health = health_stop(s->health);
	s->snapshot = snapshot_stop(s->snapshot);
	uv_close((uv_handle_t *)&s->give_up, NULL);
	uv_close((uv_handle_t *)&s->changed, NULL);
	sink_stop(&s->sink, (unsigned)s->config->output_timeout_ms);
	s->net = netproc_stop(s->net);
	if (s->capture && capture_writer_close(s->capture) < 0)
		log_error("the capture could not be written in full");
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	pipeline_free(s->pipeline);
	bpf_source_close(s->source);
	link_writer_free(s->sink.link);
	stats_free(s->stats);
	ruleset_unref(s->rules);
	config_unref(s->config);
}

int sensor_run(struct config *config, const struct args *args, const char *record,
	       struct diag *diag)
{
	struct sensor s = { .config = config_ref(config), .args = args };
	int status = 1;

	log_info("Tiercel " TIERCEL_VERSION " (engine 0.63.0)");
	if (uv_loop_init(&s.loop) < 0 || uv_async_init(&s.loop, &s.give_up, on_give_up) < 0 ||
	    uv_async_init(&s.loop, &s.changed, on_changed) < 0)
		return 1;
	s.give_up.data = s.changed.data = &s;
	status = load_rules(&s, diag);
	if (status == 0 && args->action == ACT_DRY_RUN) {
		close_all(&s);
		return 0;
	}
	if (status == 0)
		status = open_probe(&s, diag);
	if (status == 0)
		status = open_outputs(&s, diag);
	if (status == 0)
		status = write_pid(args->pidfile, diag);
	if (status == 0)
		status = start_engine(&s, record, diag);
	if (status == 0)
		status = start_measure(&s, diag);
	if (status == 0)
		status = start_health(&s, diag);
	if (status == 0)
		status = start_reload(&s, diag);
	if (status == 0)
		status = start_answers(&s, diag);
	if (status == 0) {
		watch_accounts(&s);
		s.names = names_start(&s.loop, s.net, s.engine);
		names_rules(s.names, s.rules);
		watch(&s);
		notify_stopping((unsigned)s.config->output_timeout_ms);
		s.snapshot = snapshot_stop(s.snapshot);
		status = s.status;
		stop_answers(&s);
		s.accounts = accounts_watch_stop(s.accounts);
		s.names = names_stop(s.names);
		stop_engine(&s);
		report_end(&s);
	}
	close_all(&s);
	return status;
}
