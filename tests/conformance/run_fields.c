/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields against the recorded cases: ../shared/conformance/field_cases.json and the cases of
 * eval_cases.json that have a context. A context becomes records, which go through the real decoder and
 * the real state; the language reads the result. Cases whose events are described by constructors of the
 * reference that are not rebuilt here wait. Cases that differ on purpose are listed with the reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "fields/catalogue.h"
#include "filter/filter.h"
#include "filter/format.h"
#include "filter/parser.h"

struct world {
	struct state *state;
	struct record_builder rec;
	struct event ev; /* the last one fed */
	struct rec_ident who;
	uint64_t num, ts, wall_offset;
};

static void die(const char *what)
{
	fprintf(stderr, "run_fields: %s\n", what);
	exit(1);
}

/* Ends the record in the builder and gives it to the state; it is the current event then. */
static void feed(struct world *w)
{
	const struct rec_hdr *hdr = record_end(&w->rec);

	if (!hdr || event_decode(hdr, hdr->len, &w->ev) < 0)
		die("a record is wrong");
	w->ev.num = w->num;
	w->ev.wall_ns = hdr->ts_ns + w->wall_offset;
	state_before(w->state, &w->ev);
}

static void begin(struct world *w, uint16_t type)
{
	record_begin(&w->rec, type, w->ts, &w->who);
	w->rec.hdr.cpu = 1;
}

static void p_none(struct world *w)
{
	record_param(&w->rec, NULL, 0);
}

static void add_fd(struct world *w, struct rec_fd fd)
{
	record_extra(&w->rec, REC_X_FD, &fd, sizeof(fd));
}

static void add_text(struct world *w, uint16_t tag, const char *text)
{
	record_extra(&w->rec, tag, text, strlen(text));
}

static void who_is(struct world *w, uint32_t pid, uint32_t ppid, uint32_t vpid, const char *comm)
{
	w->who = (struct rec_ident){
		.start_ns = pid,
		.parent_start_ns = ppid,
		.pid = pid,
		.tid = pid,
		.ppid = ppid,
		.vpid = vpid,
		.vtid = vpid,
	};
	snprintf(w->who.comm, sizeof(w->who.comm), "%s", comm);
}

static void scan(struct world *w, const char *exe, struct str args, const char *cwd)
{
	begin(w, EV_TASK_SCAN);
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, args.ptr, args.len);
	record_param(&w->rec, "", 0);
	record_str(&w->rec, str_of(cwd));
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	for (unsigned i = 0; i < 3; i++)
		record_i64(&w->rec, 0);
	for (unsigned i = 0; i < 6; i++)
		record_u64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 1024);
	for (unsigned i = 0; i < 3; i++)
		record_u32(&w->rec, 0);
	p_none(w);
	feed(w);
}

static void account(struct world *w, uint32_t uid, const char *name)
{
	begin(w, EV_USER_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, uid);
	record_u32(&w->rec, uid);
	record_str(&w->rec, str_of(name));
	record_param(&w->rec, "/", 1);
	record_param(&w->rec, "/bin/sh", 7);
	feed(w);
}

static void accounts(struct world *w)
{
	account(w, 0, "root");
	account(w, 5, "games");
	begin(w, EV_GROUP_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_str(&w->rec, STR("root"));
	feed(w);
}

static void base_process(struct world *w)
{
	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR(""), "/root");
}

static void ctx_execve(struct world *w)
{
	who_is(w, 1, 0, 1, "myexe");
	w->who.parent_start_ns = 0;
	begin(w, EV_SYSCALL_EXECVE_19_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/usr/bin/myexe"));
	record_param(&w->rec, "", 0);
	record_i64(&w->rec, 1);
	record_i64(&w->rec, 1);
	record_i64(&w->rec, 0);
	record_param(&w->rec, "", 0);
	for (unsigned i = 0; i < 3; i++)
		record_u64(&w->rec, 0);
	for (unsigned i = 0; i < 3; i++)
		record_u32(&w->rec, 0);
	record_str(&w->rec, STR("myexe"));
	record_param(&w->rec, "", 0);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	for (unsigned i = 0; i < 6; i++)
		record_u64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_str(&w->rec, STR("/usr/bin/myexe"));
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_str(&w->rec, STR("/usr/bin/myexe"));
}

static void ctx_tree(struct world *w)
{
	static const uint32_t pids[] = { 25, 72, 76, 82, 87 };

	who_is(w, 1, 0, 1, "init");
	scan(w, "/sbin/init", STR("context\0ls\0--format\0{{json .}}\0"), "/");
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
		who_is(w, pids[i], i ? pids[i - 1] : 1, pids[i] == 87 ? 17 : pids[i], "bash");
		scan(w, "/bin/bash", STR(""), "/root");
	}
	begin(w, EV_SYSCALL_INOTIFY_INIT1_X);
	record_i64(&w->rec, 12);
	record_param(&w->rec, &(uint16_t){ 32 }, 2);
}

static void open_event(struct world *w, int64_t fd, const char *name, uint32_t flags, uint32_t mode,
		       uint32_t dev, uint64_t ino)
{
	begin(w, EV_SYSCALL_OPEN_X);
	record_i64(&w->rec, fd);
	record_str(&w->rec, str_of(name));
	record_u32(&w->rec, flags);
	record_u32(&w->rec, mode);
	record_u32(&w->rec, dev);
	record_u64(&w->rec, ino);
	add_text(w, REC_X_BASE, "/root");
	if (fd >= 0)
		add_fd(w, (struct rec_fd){ .num = fd, .kind = 'f', .dev = dev, .ino = ino });
}

static void ctx_open_ok(struct world *w)
{
	open_event(w, 3, "/opt/dir/SUBDIR/file.txt", 3 | 4 | 0x4000, 0755, 5, 123);
}

static void ctx_open_enoent(struct world *w)
{
	open_event(w, -ENOENT, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_open_eperm(struct world *w)
{
	open_event(w, -EPERM, "/etc/nosuch", 1, 0, 0, 0);
}

static void ctx_openat_rel(struct world *w)
{
	begin(w, EV_SYSCALL_OPENAT_2_X);
	record_i64(&w->rec, 4);
	record_i64(&w->rec, AT_FDCWD);
	record_str(&w->rec, STR("sub/../x.txt"));
	record_u32(&w->rec, 1);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 0);
	add_fd(w, (struct rec_fd){ .num = 4, .kind = 'f' });
}

static void ctx_conn(struct world *w)
{
	static const uint8_t client[4] = { 172, 40, 111, 222 }, server[4] = { 142, 251, 111, 147 };
	const uint16_t cport = 54321, sport = 443;
	uint8_t tuple[13] = { AF_INET }, addr[7] = { AF_INET };
	struct rec_fd fd = {
		.num = 4,
		.kind = '4',
		.l4 = IPPROTO_TCP,
		.family = AF_INET,
		.flags = REC_FD_CLIENT | REC_FD_CONNECTED,
		.local_port = cport,
		.remote_port = sport,
	};

	memcpy(tuple + 1, client, 4);
	memcpy(tuple + 5, &cport, 2);
	memcpy(tuple + 7, server, 4);
	memcpy(tuple + 11, &sport, 2);
	memcpy(addr + 1, server, 4);
	memcpy(addr + 5, &sport, 2);
	memcpy(fd.local_addr, client, 4);
	memcpy(fd.remote_addr, server, 4);
	begin(w, EV_SOCKET_CONNECT_X);
	record_i64(&w->rec, 0);
	record_param(&w->rec, tuple, sizeof(tuple));
	record_i64(&w->rec, 4);
	record_param(&w->rec, addr, sizeof(addr));
	add_fd(w, fd);
}

static void ctx_readev(struct world *w)
{
	begin(w, EV_SYSCALL_READ_X);
	record_i64(&w->rec, 5);
	record_param(&w->rec, "a\0b\xff\n", 5);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 10);
	add_text(w, REC_X_PATH, "/dev/null");
	add_fd(w, (struct rec_fd){ .kind = 'f' });
}

static void ctx_generic(struct world *w)
{
	const struct syscall_info *call = NULL;
	uint16_t nr = 0;

	while (nr < 1000 &&
	       !((call = syscall_by_number(nr, false)) && str_eqz(STR("sysinfo"), call->name)))
		nr++;
	begin(w, EV_GENERIC_X);
	record_param(&w->rec, &nr, 2);
	record_param(&w->rec, &nr, 2);
	w->rec.hdr.syscall = nr;
}

static void ctx_setuid(struct world *w)
{
	begin(w, EV_SYSCALL_SETUID_X);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 5);
}

static void ctx_chmod(struct world *w)
{
	begin(w, EV_SYSCALL_CHMOD_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/bin/x"));
	record_u32(&w->rec, 0x9ed);
}

static void ctx_link(struct world *w)
{
	begin(w, EV_SYSCALL_LINK_2_X);
	record_i64(&w->rec, 0);
	record_str(&w->rec, STR("/old"));
	record_str(&w->rec, STR("/new"));
}

static const struct context {
	const char *name;
	void (*build)(struct world *w);
	bool bare; /* without the process of base_process */
} contexts[] = {
	{ "execve", ctx_execve, true },
	{ "tree", ctx_tree, true },
	{ "open_ok", ctx_open_ok, false },
	{ "open_enoent", ctx_open_enoent, false },
	{ "open_eperm", ctx_open_eperm, false },
	{ "openat_rel", ctx_openat_rel, false },
	{ "conn", ctx_conn, false },
	{ "readev", ctx_readev, false },
	{ "generic", ctx_generic, false },
	{ "setuid", ctx_setuid, false },
	{ "chmod", ctx_chmod, false },
	{ "link", ctx_link, false },
};

/* What we do otherwise, and why. */
static const struct {
	const char *context, *text, *why;
} on_purpose[] = {
	{ "conn", "fd.lip", "the record tells which end is ours; no guess by interfaces" },
	{ "conn", "fd.lport", "the record tells which end is ours; no guess by interfaces" },
	{ "tree", "proc.apid", "prints the ancestors, as proc.aname does, not the process itself" },
	{ "conn", "fd.ip intersects (1.1.1.1)", "works instead of failing at run time" },
	{ "conn", "fd.port intersects (443)", "works instead of failing at run time" },
	{ "conn", "fd.net in (10.0.0.0/8, 142.251.0.0/16)", "looks at the whole list" },
	{ "conn", "fd.snet = anyof (142.251.0.0/16)", "anyof works on blocks" },
	{ "conn", "fd.snet = anyof (10.0.0.0/8, 142.251.0.0/16)", "anyof works on blocks" },
	{ "tree", "proc.aname startswith anyof (x,ini)", "the modifier counts for ancestors too" },
	{ "readev", "evt.rawarg.data=a", "compares bytes instead of failing at run time" },
	{ "readev", "evt.rawarg.data contains a", "searches bytes instead of failing at run time" },
};

struct tally {
	unsigned ran, agreed, deliberate, waiting, wrong;
};

static const struct context *find_context(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++)
		if (name && str_eqz(str_of(name), contexts[i].name))
			return &contexts[i];
	return NULL;
}

static const char *deliberate(const char *context, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(on_purpose); i++)
		if (str_eqz(str_of(context), on_purpose[i].context) &&
		    str_eqz(str_of(text), on_purpose[i].text))
			return on_purpose[i].why;
	return NULL;
}

static void world_make(struct world *w, const struct context *c)
{
	*w = (struct world){ .ts = 10000000, .wall_offset = UINT64_C(1566230400000000000) };
	w->state = state_new(1000);
	if (!w->state)
		die("out of memory");
	accounts(w);
	if (!c->bare)
		base_process(w);
	w->num = 1;
	c->build(w);
	feed(w);
}

/* The text of a field; false: no value (or a field that is not for printing). */
static bool field_text(struct world *w, const char *field, struct arena *a, struct strbuf *out)
{
	const struct catalogue *c = fields_catalogue();
	struct fields_event fe = { .ev = &w->ev, .state = w->state, .hostname = "" };
	struct str text = str_of(field);
	struct expr *e;
	struct field_ref ref;
	struct diag d = { 0 };
	struct value v;

	if (parse_output_expr(text, a, &e) != text.len ||
	    catalogue_bind(c, e->text, e->has_arg, e->arg, a, &ref, &d) != 0)
		return false;
	if (ref.def->flags & FIELD_FILTER_ONLY || !c->extract(c, &fe, &ref, false, a, &v))
		return false;
	value_print(&ref, &v, out);
	return true;
}

static void judge(struct tally *t, bool agrees, const char *id, const char *context,
		  const char *text, const char *got, const char *want)
{
	const char *why = deliberate(context, text);

	t->ran++;
	if (agrees)
		t->agreed++;
	else if (why)
		t->deliberate++;
	else
		t->wrong++;
	if (agrees && why)
		printf("%s: agrees, but is listed as different: %s\n", id, text);
	if (!agrees && !why)
		printf("%s: %s in %s: got %s, want %s\n", id, text, context, got, want);
}

static void field_case(struct tally *t, const json_t *c)
{
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *context = json_string_value(json_object_get(c, "context"));
	const char *field = json_string_value(json_object_get(c, "field"));
	const char *want = json_string_value(json_object_get(c, "expect"));
	const struct context *ctx = find_context(context);
	_cleanup_(arena_done) struct arena a = { 0 };
	_cleanup_(strbuf_done) struct strbuf got = { 0 };

	if (!ctx || !field) {
		t->waiting++;
		return;
	}
	struct world *w = malloc(sizeof(*w));

	if (!w)
		die("out of memory");
	world_make(w, ctx);
	bool has = field_text(w, field, &a, &got);

	judge(t, has == !!want && (!has || str_eqz(strbuf_str(&got), want)), id, context, field,
	      has ? strbuf_z(&got) : "(none)", want ? want : "(none)");
	state_free(w->state);
	free(w);
}

enum verdict { VERDICT_FALSE, VERDICT_TRUE, VERDICT_ERROR };

static enum verdict evaluate(struct world *w, const char *text, struct arena *a)
{
	struct fields_event fe = { .ev = &w->ev, .state = w->state, .hostname = "" };
	struct program *p = program_new(fields_catalogue());
	enum verdict verdict = VERDICT_ERROR;
	struct filter_warnings warnings = { 0 };
	struct diag d = { 0 };
	struct ast *tree;
	struct cond *cond;
	struct eval *e = NULL;

	if (p && parse_condition(str_of(text), LIMIT_CONDITION_DEPTH, a, &tree, &d) == 0 &&
	    filter_compile(p, tree, &cond, &warnings, &d) == 0 && program_seal(p) == 0 &&
	    (e = eval_new(p))) {
		eval_begin(e, &fe, a);
		verdict = eval_cond(e, cond) ? VERDICT_TRUE : VERDICT_FALSE;
	}
	eval_free(e);
	program_free(p);
	return verdict;
}

static void eval_case(struct tally *t, const json_t *c)
{
	static const char *const words[] = { "false", "true", "error" };
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *context = json_string_value(json_object_get(c, "context"));
	const char *text = json_string_value(json_object_get(c, "expr"));
	const json_t *expect = json_object_get(c, "expect");
	enum verdict want = json_is_true(expect)    ? VERDICT_TRUE
			    : json_is_false(expect) ? VERDICT_FALSE
						    : VERDICT_ERROR;
	const struct context *ctx = find_context(context);
	_cleanup_(arena_done) struct arena a = { 0 };

	if (!context)
		return; /* of the language alone: another runner's */
	if (!ctx || !text) {
		t->waiting++;
		return;
	}
	struct world *w = malloc(sizeof(*w));

	if (!w)
		die("out of memory");
	world_make(w, ctx);
	enum verdict got = evaluate(w, text, &a);

	judge(t, got == want, id, context, text, words[got], words[want]);
	state_free(w->state);
	free(w);
}

static json_t *load(const char *name)
{
	static const char *const ups[] = { "../shared", "../../shared" };
	const char *given = getenv("TIERCEL_CONFORMANCE"), *root = getenv("TIERCEL_SOURCE_ROOT");
	char path[4096];

	if (given) {
		snprintf(path, sizeof(path), "%s/conformance/%s", given, name);
		return json_load_file(path, JSON_ALLOW_NUL, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ups) && root; i++) {
		snprintf(path, sizeof(path), "%s/%s/conformance/%s", root, ups[i], name);
		json_t *j = json_load_file(path, JSON_ALLOW_NUL, NULL);
		if (j)
			return j;
	}
	return NULL;
}

/* Wrong cases of one file, 0 too when the file is not here. */
static unsigned run(const char *name, void (*one)(struct tally *t, const json_t *c))
{
	struct tally t = { 0 };
	json_t *j = load(name), *c;
	size_t i;

	if (!j) {
		printf("%s: not here, nothing run\n", name);
		return 0;
	}
	json_array_foreach(json_object_get(j, "cases"), i, c) one(&t, c);
	printf("%s: %u ran, %u agreed, %u differ on purpose, %u wrong, %u wait\n", name, t.ran,
	       t.agreed, t.deliberate, t.wrong, t.waiting);
	json_decref(j);
	return t.wrong;
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	unsigned wrong = run("field_cases.json", field_case);

	wrong += run("eval_cases.json", eval_case);
	return wrong != 0;
}
