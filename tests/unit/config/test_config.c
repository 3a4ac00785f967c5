/* SPDX-License-Identifier: Apache-2.0 */
/* Files and overrides in, settings, warnings and faults out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "config/config.h"

static const char *samples;
static char dir[] = "/tmp/config-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static const char *put(const char *name, const char *text)
{
	const char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

/* Loads a text; the outcome's message, or that of the first warning, lands in told. */
static int load(const char *text, const char *const *overrides, size_t n, struct config **ret,
		size_t *ret_warnings, char told[600])
{
	struct config_report report = { 0 };
	struct strbuf b = { 0 };
	int r = config_load(put("main.yaml", text), overrides, n, ret, &report);

	if (r)
		diag_print(&report.error, &b);
	else if (report.nwarnings)
		diag_print(&report.warnings[0], &b);
	snprintf(told, 600, "%s", strbuf_z(&b));
	strbuf_done(&b);
	if (ret_warnings)
		*ret_warnings = report.nwarnings;
	config_report_done(&report);
	return r;
}

#define OUT "stdout_output: {enabled: true}\n"

static void faults_are_told_with_their_place(void **state)
{
	static const struct {
		const char *text, *override, *wanted;
	} rows[] = {
		{ OUT "json_output: maybe\n", NULL,
		  "main.yaml:2:14: json_output: expected true or false, found \"maybe\"" },
		{ OUT "json_output: [true]\n", NULL,
		  "main.yaml:2:14: json_output: expected true or false, found a list" },
		{ OUT "priority: high\n", NULL,
		  "main.yaml:2:11: priority: expected one of emergency" },
		{ OUT "webserver:\n  listen_port: 70000\n", NULL,
		  "main.yaml:3:16: listen_port: expected a whole number from 0 to 65535" },
		{ OUT "webserver:\n  listen_address: localhost\n", NULL,
		  "main.yaml:3:19: listen_address: expected an IP address" },
		{ OUT "webserver: 5\n", NULL, "main.yaml:2:12: webserver: expected a map" },
		{ OUT "syscall_event_timeouts: {max_consecutives: 0}", NULL,
		  "max_consecutives: expected" },
		{ OUT "tiercel: {outputs: [{name: a, type: ftp}]}", NULL, "type: expected" },
		{ OUT "tiercel: {outputs: [{type: file, filename: f}]}", NULL, "expected name:" },
		{ OUT "tiercel: {outputs: [{name: a, type: http}]}", NULL, "needs url" },
		{ OUT "tiercel: {outputs: [{name: stdout, type: file, filename: f}]}", NULL,
		  "that of another output" },
		{ OUT "tiercel:\n  outputs:\n  - {name: a, type: file, filename: f}\n"
		      "  - {name: a, type: program, program: p}\n",
		  NULL, "main.yaml:5:5: the name a is that of another output" },
		{ OUT "tiercel: {outputs: [{name: a, type: http, url: u, batch: 0}]}", NULL,
		  "batch: expected" },
		{ OUT "syscall_event_drops: {threshold: 1.5}", NULL,
		  "threshold: expected a number" },
		{ OUT "syscall_event_drops: {threshold: nan}", NULL,
		  "threshold: expected a number" },
		{ OUT "syscall_event_drops: {actions: [ignore, log]}", NULL, "ignore excludes" },
		{ OUT "syscall_event_drops:\n  actions:\n  - log\n  - shout\n", NULL,
		  "main.yaml:5:5: actions: expected ignore, log, alert or exit, found shout" },
		{ OUT "engine: {modern_ebpf: {buf_size_preset: 11}}", NULL, "from 1 to 10" },
		{ OUT "engine: {kind: replay}", NULL, "replay needs engine.replay.capture_file" },
		{ OUT "load_plugins: [json]", NULL, "main.yaml:2:16: load_plugins names json" },
		{ OUT "plugins: [{library_path: x.so}]", NULL, "without a name" },
		{ OUT "rules: [{enable: {}}]", NULL, "expected rule: or tag:" },
		{ OUT "rules: [{enabled: {tag: x}}]", NULL, "expected enable: or disable:" },
		{ OUT "append_output: [{extra_fields: [{a: b, c: d}]}]", NULL,
		  "one `key: format`" },
		{ OUT "rules_file: [a]\nrules_files: [b]\n", NULL, "cannot stand beside" },
		{ OUT "metrics: {enabled: true, interval: '5000', output_rule: true}", NULL,
		  "metrics.interval: expected a duration" },
		{ OUT "metrics: {enabled: true, interval: 1h}", NULL, "metrics.enabled: needs" },
		{ OUT "file_output:\n  enabled: true\n", NULL,
		  "main.yaml:3:12: file_output.enabled: needs file_output.filename" },
		{ OUT "program_output: {enabled: true}", NULL, "needs program_output.program" },
		{ OUT "http_output: {enabled: true, url: \"''\"}", NULL, "needs http_output.url" },
		{ "", NULL, "no output is enabled" },
		{ "grpc: {enabled: true}\ngrpc_output: {enabled: false}", NULL,
		  "no output is enabled" },
		{ OUT "a: [1, 2\nb: 3\n", NULL, "main.yaml:3:2: not valid YAML" },
		{ OUT "a: &a [*a]\n", NULL, "nested more than 64 deep" },
		{ "- 1\n", NULL, "main.yaml:1:1: expected keys with values, found a list" },
		{ OUT "? [a]\n: b\n", NULL, "a key must be a single value" },
		{ OUT "tiercel: {scope: pid:x}", NULL, "expected none, pid:NUMBER" },
		{ OUT "tiercel: {ring_size: 3M}", NULL, "power of two" },
		{ OUT "tiercel: {link_size: 1K}", NULL, "power of two" },
		{ OUT, "json_output", "-o json_output: expected key=value" },
		{ OUT, "json_output=perhaps",
		  "-o json_output=perhaps: json_output: expected true" },
		{ OUT, "=x", "a part of the key is empty" },
		{ OUT, "[0]=x", "a part of the key is empty" },
		{ OUT, "a..b=x", "a part of the key is empty" },
		{ OUT, "rules_files[=x", "a [ without its ]" },
		{ OUT, "rules_files[x]=x", "expected a number or nothing" },
		{ OUT, "rules_files[1]=x", "behind the end" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c = NULL;
		char told[600];
		int r = load(rows[i].text, &rows[i].override, rows[i].override ? 1 : 0, &c, NULL,
			     told);

		if (r != CONFIG_E_INVALID || !strstr(told, rows[i].wanted))
			print_error("row %zu: %d %s\n", i, r, told);
		assert_int_equal(r, CONFIG_E_INVALID);
		assert_non_null(strstr(told, rows[i].wanted));
		assert_null(c);
	}
}

static void warnings_do_not_stop(void **state)
{
	static const struct {
		const char *text;
		size_t warnings;
		const char *first;
	} rows[] = {
		{ OUT, 0, "" },
		{ OUT "jsn_output: true\n", 1,
		  "main.yaml:2:13: unknown key jsn_output is ignored; did you mean json_output?" },
		{ OUT "zzz: {a: [1]}\n", 1, "unknown key zzz is ignored" },
		{ OUT "webserver: {listen_prt: 1}\n", 1, "did you mean webserver.listen_port?" },
		{ OUT "rules_file: [x]\n", 1, "rules_file is an old name, use rules_files" },
		{ OUT "outputs: {rate: 1, max_burst: 1000}\n", 2,
		  "outputs.rate has no effect any more" },
		{ OUT "webserver: {k8s_audit_endpoint: /k}\n", 1, "has no effect any more" },
		{ OUT "metadata_download: {max_mb: 1, chunk_wait_us: 2}\n", 1,
		  "metadata_download has no effect any more" },
		{ OUT "syscall_buf_size_preset: 5\n", 1, "use engine.modern_ebpf.buf_size_preset" },
		{ OUT "priority: info\npriority: debug\n", 1, "given twice; the first counts" },
		{ OUT "---\na: b\n", 1, "only the first document" },
		{ OUT "append_output: [{sugested_output: true}]\n", 1,
		  "unknown key sugested_output" },
		{ OUT "capture: {enabled: true, mode: all_rules}\n", 1,
		  "main.yaml:2:20: capture.enabled has no effect here: use `tiercel record`" },
		{ OUT "engine: {modern_ebpf: {cpus_for_each_buffer: 1000000}}\n", 1,
		  "CPUs online" },
		{ OUT "capture: {enabled: False}\ngrpc: {threadiness: 8}\n", 0, "" },
		{ OUT "webserver:\nplugins:\npriority:\n", 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c = NULL;
		size_t warnings;
		char told[600];

		assert_int_equal(load(rows[i].text, NULL, 0, &c, &warnings, told), 0);
		if (warnings != rows[i].warnings || !strstr(told, rows[i].first))
			print_error("row %zu: %zu %s\n", i, warnings, told);
		assert_int_equal(warnings, rows[i].warnings);
		assert_non_null(strstr(told, rows[i].first));
		config_unref(c);
	}
}

static struct config *loaded(const char *text, const char *const *overrides, size_t n)
{
	struct config *c = NULL;
	char told[600];
	int r = load(text, overrides, n, &c, NULL, told);

	if (r)
		print_error("%s\n", told);
	assert_int_equal(r, 0);
	return c;
}

static void many_keys_are_refused(void **state)
{
	struct strbuf b = { 0 };
	struct config *c;
	char told[600];

	strbuf_addz(&b, OUT "a: {");
	for (unsigned i = 0; i <= 1000; i++)
		strbuf_printf(&b, "k%u: 1, ", i);
	strbuf_addz(&b, "}\n");
	assert_int_equal(load(strbuf_z(&b), NULL, 0, &c, NULL, told), CONFIG_E_INVALID);
	assert_non_null(strstr(told, "main.yaml:2:4: more than 1000 keys"));
	strbuf_done(&b);
}

/* Keys of older versions, and what newer ones give their plugin, as a map or as text. */
static void container_engines_land(void **state)
{
	static const char *const rows[] = {
		OUT "container_engines:\n"
		    "  docker: {enabled: false}\n"
		    "  podman: {enabled: true}\n"
		    "  cri: {enabled: true, sockets: [/a.sock, /b.sock], disable_async: true}\n"
		    "  containerd: {sockets: [/c.sock]}\n"
		    "  lxc: {enabled: false}\n"
		    "  bpm:\n"
		    "tiercel: {containers: {label_max_len: 50}}\n",
		OUT "load_plugins: [container]\n"
		    "plugins:\n"
		    "- name: container\n"
		    "  library_path: libcontainer.so\n"
		    "  init_config:\n"
		    "    label_max_len: 50\n"
		    "    with_size: false\n"
		    "    hooks: [create, start]\n"
		    "    engines:\n"
		    "      docker: {enabled: false}\n"
		    "      podman: {enabled: true}\n"
		    "      cri: {enabled: true, sockets: [/a.sock, /b.sock]}\n"
		    "      containerd: {enabled: true, sockets: [/c.sock]}\n"
		    "      libvirt_lxc: {enabled: true}\n",
		OUT
		"plugins:\n"
		"- {name: container, library_path: x.so, init_config: '{\"label_max_len\": 50, \"engines\": "
		"{\"docker\": {\"enabled\": false}, \"cri\": {\"sockets\": [\"/a.sock\", \"/b.sock\"]}, "
		"\"containerd\": {\"sockets\": [\"/c.sock\"]}}}'}\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c = loaded(rows[i], NULL, 0);

		assert_true(c->containers.disabled[CONFIG_DOCKER]);
		assert_false(c->containers.disabled[CONFIG_PODMAN]);
		assert_false(c->containers.disabled[CONFIG_CRI]);
		assert_int_equal(c->containers.sockets[CONFIG_PODMAN].n, 0);
		assert_int_equal(c->containers.sockets[CONFIG_CRI].n, 2);
		assert_string_equal(c->containers.sockets[CONFIG_CRI].items[1].ptr, "/b.sock");
		assert_int_equal(c->containers.sockets[CONFIG_CONTAINERD].n, 1);
		assert_int_equal(c->containers.label_max_len, 50);
		config_unref(c);
	}
}

static void values_land(void **state)
{
	struct config *c = loaded(OUT
				  "rules_files: one\n"
				  "priority: INFO\n"
				  "json_output: 'Yes'\n"
				  "log_level: ERROR\n"
				  "syscall_event_drops: {threshold: .1, actions: [log, exit]}\n"
				  "metrics: {interval: 1h30m}\n"
				  "http_output: {url: \"'http://x'\"}\n"
				  "rules:\n"
				  "- disable: {rule: '*'}\n"
				  "- enable: {tag: network}\n"
				  "append_output:\n"
				  "- match: {rule: R, source: syscall, tags: [a, b]}\n"
				  "  extra_output: x=%proc.name\n"
				  "  extra_fields: [proc.pid, {who: '%user.name'}]\n"
				  "- suggested_output: true\n"
				  "plugins:\n"
				  "- {name: a, init_config: {n: 5, s: '5', b: true, l: [1.5, ~]}}\n"
				  "- {name: b, init_config: text, open_params: o}\n"
				  "load_plugins: [b, a]\n"
				  "static_fields: {dc: eu, n: 1}\n"
				  "tiercel: {scope: cgroup:/a/b, ring_size: 8M, processes: one}\n",
				  NULL, 0);

	assert_int_equal(c->rules_files.n, 1);
	assert_string_equal(c->rules_files.items[0].ptr, "one");
	assert_int_equal(c->priority, 6);
	assert_true(c->json_output && c->json_include_tags_property && c->grpc_output);
	assert_int_equal(c->log_level, 3);
	assert_true(c->drops.threshold > 0.09 && c->drops.threshold < 0.11);
	assert_int_equal(c->drops.actions, CONFIG_DROP_LOG | CONFIG_DROP_EXIT);
	assert_int_equal(c->metrics.interval_ms, 5400000);
	assert_string_equal(c->http_output.url, "http://x");
	assert_int_equal(c->nrules, 2);
	assert_false(c->rules[0].enable);
	assert_true(str_eqz(c->rules[0].rule, "*") && str_eqz(c->rules[1].tag, "network"));
	assert_int_equal(c->nappend_output, 2);
	assert_true(str_eqz(c->append_output[0].rule, "R"));
	assert_int_equal(c->append_output[0].tags.n, 2);
	assert_int_equal(c->append_output[0].nfields, 2);
	assert_null(c->append_output[0].fields[0].format.ptr);
	assert_true(str_eqz(c->append_output[0].fields[1].format, "%user.name"));
	assert_true(c->append_output[1].suggested_output);
	assert_int_equal(c->nplugins, 2);
	assert_true(str_eqz(c->plugins[0].name, "b") && str_eqz(c->plugins[0].init_config, "text"));
	assert_true(str_eqz(c->plugins[1].init_config,
			    "{\"n\":5,\"s\":\"5\",\"b\":true,\"l\":[1.5,null]}"));
	assert_int_equal(c->nstatic_fields, 2);
	assert_true(str_eqz(c->static_fields[1].value, "1"));
	assert_int_equal(c->tiercel.scope, CONFIG_SCOPE_CGROUP);
	assert_string_equal(c->tiercel.scope_cgroup, "/a/b");
	assert_int_equal(c->tiercel.ring_bytes, 8 << 20);
	assert_int_equal(c->tiercel.link_bytes, 16 << 20);
	assert_int_equal(c->tiercel.processes, CONFIG_PROCESSES_ONE);
	assert_ptr_equal(config_ref(c), c);
	config_unref(c);
	config_unref(c);
}

static void environment_is_expanded(void **state)
{
	setenv("CT_A", "x", 1);
	setenv("CT_PORT", "99", 1);
	unsetenv("CT_NONE");
	struct config *c =
		loaded(OUT "rules_files: ['${CT_A}', '$${CT_A}', 'a${CT_NONE}b', '${CT_A}${CT_A}',"
			   " '$CT_A', '${CT_A', '$$${CT_A}']\n"
			   "webserver: {listen_port: \"${CT_PORT}\"}\n",
		       (const char *const[]){ "grpc.bind_address=${CT_A}" }, 1);
	static const char *const wanted[] = { "x",     "${CT_A}", "ab",	     "xx",
					      "$CT_A", "${CT_A",  "$${CT_A}" };

	assert_int_equal(c->rules_files.n, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		assert_string_equal(c->rules_files.items[i].ptr, wanted[i]);
	assert_int_equal(c->webserver.listen_port, 99);
	assert_string_equal(c->grpc.bind_address, "${CT_A}");
	config_unref(c);
}

static void overrides_go_in_order(void **state)
{
	static const char *const o[] = {
		"json_output=true",
		"engine.kind=nodriver",
		"rules_files[]=two",
		"rules_files[0]=zero",
		"rules[].disable.rule=*",
		"rules[].enable.tag=network",
		"append_output[]={\"match\": {\"rule\": \"R\"}, \"extra_output\": \"a=b,c\"}",
		"grpc.cert_chain=",
		"http_output.user_agent=k=a=b",
		"static_fields.a\\.b=1",
		"json_output=false",
		"plugins[].name=p",
		"plugins[0].open_params=q",
	};
	struct config *c = loaded(OUT "rules_files: one\n", o, ARRAY_SIZE(o));

	assert_false(c->json_output);
	assert_int_equal(c->engine.kind, CONFIG_ENGINE_NODRIVER);
	assert_int_equal(c->rules_files.n, 2);
	assert_string_equal(c->rules_files.items[0].ptr, "zero");
	assert_string_equal(c->rules_files.items[1].ptr, "two");
	assert_int_equal(c->nrules, 2);
	assert_true(str_eqz(c->rules[1].tag, "network") && c->rules[1].enable);
	assert_true(str_eqz(c->append_output[0].extra_output, "a=b,c"));
	assert_string_equal(c->grpc.cert_chain, "");
	assert_string_equal(c->http_output.user_agent, "k=a=b");
	assert_true(str_eqz(c->static_fields[0].key, "a.b"));
	assert_int_equal(c->nplugins, 1);
	assert_true(str_eqz(c->plugins[0].open_params, "q"));
	config_unref(c);
}

static void included_files_merge(void **state)
{
	char main[1200];

	mkdir(in_dir("d"), 0700);
	put("d/b.yaml", "rules_files: [b]\nwebserver: {listen_port: 2}\n");
	put("d/a.conf", "rules_files: [a]\nwebserver: {listen_port: 1}\n");
	put("over.yaml", "load_plugins: []\nbase_syscalls: {custom_set: [x]}\n");
	put("only.yaml", "priority: error\nlog_level: error\n");
	snprintf(main, sizeof(main),
		 OUT "config_files: [%s, {path: %s, strategy: override}, "
		     "{path: %s, strategy: add-only}, /nowhere]\n"
		     "rules_files: [main]\nload_plugins: [x]\npriority: notice\n"
		     "webserver: {listen_port: 9, threadiness: 3}\n",
		 in_dir("d"), in_dir("over.yaml"), in_dir("only.yaml"));
	struct config *c = loaded(main, NULL, 0);
	assert_int_equal(c->files.n, 5);
	assert_int_equal(c->rules_files.n, 3);
	assert_string_equal(c->rules_files.items[1].ptr, "a");
	assert_string_equal(c->rules_files.items[2].ptr, "b");
	assert_int_equal(c->webserver.listen_port, 2);
	assert_int_equal(c->webserver.threadiness, 0);
	assert_int_equal(c->nplugins, 0);
	assert_int_equal(c->priority, 5);
	assert_int_equal(c->log_level, 3);
	config_unref(c);

	/* The list of files itself can be overridden; it may not nest nor name the main file. */
	char option[300], told[600];
	const char *o = option;
	snprintf(option, sizeof(option), "config_files[]=%s", in_dir("main.yaml"));
	assert_int_equal(load(OUT, &o, 1, &c, NULL, told), CONFIG_E_INVALID);
	assert_non_null(strstr(told, "names the main file itself"));
	put("nest.yaml", "config_files: []\n");
	snprintf(option, sizeof(option), "config_files=%s", in_dir("nest.yaml"));
	assert_int_equal(load(OUT, &o, 1, &c, NULL, told), CONFIG_E_INVALID);
	assert_non_null(strstr(told, "only for the main file"));
}

struct sample {
	const char *name;
	size_t rules, warnings;
};

static void load_sample(const char *from, const struct sample *row)
{
	/* Whatever this machine has in an included directory stays out. */
	static const char *const override = "config_files[0]=/nowhere";
	struct config_report report = { 0 };
	struct config *c;
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", from, row->name);
	int r = config_load(path, &override, 1, &c, &report);

	if (r)
		print_error("%s: %s\n", path, report.error.text);
	assert_int_equal(r, 0);
	for (size_t w = 0; report.nwarnings != row->warnings && w < report.nwarnings; w++)
		print_error("%s: %s\n", row->name, report.warnings[w].text);
	assert_int_equal(report.nwarnings, row->warnings);
	assert_int_equal(c->rules_files.n, row->rules);
	assert_true(c->stdout_output.enabled);
	config_unref(c);
	config_report_done(&report);
}

static void files_of_every_age_load(void **state)
{
	static const struct sample rows[] = {
		{ "style-0.23.yaml", 2, 4 }, { "style-0.33.yaml", 1, 6 },
		{ "style-0.35.yaml", 1, 2 }, { "style-0.39.yaml", 1, 0 },
		{ "style-0.43.yaml", 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		load_sample(samples, &rows[i]);
}

/* Falco's own files are kept outside the tree. */
static void falcos_files_load(void **state)
{
	static const struct sample rows[] = {
		{ "falco-0.23.0.yaml", 4, 4 },
		{ "falco-0.33.0.yaml", 3, 5 },
		{ "falco-0.38.0.yaml", 3, 0 },
		{ "falco-0.43.1.yaml", 3, 0 },
	};
	const char *root = getenv("TIERCEL_SOURCE_ROOT");
	char from[512];
	struct stat st;

	assert_non_null(root);
	snprintf(from, sizeof(from), "%s/../shared/falco-config", root);
	if (stat(from, &st) < 0) {
		print_message("%s is absent: only the project's own samples are loaded\n", from);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		load_sample(from, &rows[i]);
}

/* The dump says whence each value came, and reads back as the same configuration. */
static void a_dump_is_a_configuration(void **state)
{
	static const char *const o[] = { "log_level=debug", "static_fields.a=b" };
	_cleanup_(strbuf_done) struct strbuf first = { 0 }, again = { 0 };
	struct config_report report = { 0 };
	const char *path = put("main.yaml", OUT "json_output: yes\nrules_file: [a, b]\n"
						"rules: [{enable: {tag: x}}]\n"
						"tiercel: {ring_size: 8M}\n");
	char place[300];

	assert_int_equal(config_dump(path, o, 2, false, &first, &report), 0);
	const char *text = strbuf_z(&first);
	snprintf(place, sizeof(place), "json_output: true  # %s:2:14\n", path);
	assert_non_null(strstr(text, place));
	snprintf(place, sizeof(place), "rules_files: [\"a\",\"b\"]  # %s:3:13\n", path);
	assert_non_null(strstr(text, place));
	assert_non_null(strstr(text, "log_level: \"debug\"  # -o log_level=debug\n"));
	assert_non_null(strstr(text, "static_fields: {\"a\":\"b\"}  # -o "));
	assert_non_null(strstr(text, "  ring_size: 8388608  # "));
	assert_non_null(strstr(text, "priority: \"debug\"  # default\n"));
	put("dumped.yaml", text);
	config_report_done(&report);

	struct config *c = NULL;
	assert_int_equal(config_load(in_dir("dumped.yaml"), NULL, 0, &c, &report), 0);
	assert_int_equal(report.nwarnings, 0);
	assert_true(c->json_output && c->log_level == 7 && c->rules_files.n == 2);
	assert_int_equal(c->tiercel.ring_bytes, 8 << 20);
	assert_true(str_eqz(c->static_fields[0].value, "b") && str_eqz(c->rules[0].tag, "x"));
	config_unref(c);
	assert_int_equal(config_dump(path, o, 2, true, &again, &report), 0);
	assert_non_null(strstr(strbuf_z(&again), "{\"from\":\"-o log_level=debug\",\"key\":"
						 "\"log_level\",\"value\":\"debug\"}"));
	config_report_done(&report);
}

static void a_missing_file_is_told(void **state)
{
	struct config_report report = { 0 };
	struct config *c;

	assert_int_equal(config_load("/nowhere.yaml", NULL, 0, &c, &report), CONFIG_E_INVALID);
	assert_string_equal(report.error.file, "/nowhere.yaml");
	assert_string_equal(report.error.text, "cannot be read: No such file or directory");
	config_report_done(&report);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int outcome;
		uint64_t ms;
	} rows[] = {
		{ "1h", 0, 3600000 },	    { "1h30m", 0, 5400000 },	    { "500ms", 0, 500 },
		{ "1d2s3ms", 0, 86402003 }, { "5000", -EINVAL, 0 },	    { "", -EINVAL, 0 },
		{ "h", -EINVAL, 0 },	    { "1m1h", -EINVAL, 0 },	    { "1h1h", -EINVAL, 0 },
		{ "1 h", -EINVAL, 0 },	    { "99999999999y", -ERANGE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 0;

		assert_int_equal(config_duration_ms(str_of(rows[i].text), &v), rows[i].outcome);
		assert_int_equal(v, rows[i].ms);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int clean_up(void **state)
{
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_told_with_their_place),
		cmocka_unit_test(warnings_do_not_stop),
		cmocka_unit_test(many_keys_are_refused),
		cmocka_unit_test(container_engines_land),
		cmocka_unit_test(values_land),
		cmocka_unit_test(environment_is_expanded),
		cmocka_unit_test(overrides_go_in_order),
		cmocka_unit_test(included_files_merge),
		cmocka_unit_test(files_of_every_age_load),
		cmocka_unit_test(falcos_files_load),
		cmocka_unit_test(a_dump_is_a_configuration),
		cmocka_unit_test(a_missing_file_is_told),
		cmocka_unit_test(durations),
	};

	samples = argc > 1 ? argv[1] : "samples";
	if (!mkdtemp(dir))
		return 1;
	return cmocka_run_group_tests(tests, NULL, clean_up);
}
