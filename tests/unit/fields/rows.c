/* SPDX-License-Identifier: Apache-2.0 */
/* The stand-in for the state, and how a row is checked. */
#include "rows.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "event/text.h"

struct proc init_proc, shell_proc, self_proc;

const struct proc *state_proc(const struct state *s, uint32_t pid)
{
	return pid == 1 ? &init_proc : pid == 20 ? &shell_proc : pid == 30 ? &self_proc : NULL;
}

const struct proc *state_thread(const struct state *s, uint32_t tid)
{
	return state_proc(s, tid);
}

const struct user *state_user(const struct state *s, struct str container, uint32_t uid)
{
	static const struct user games = { .uid = 5,
					   .name = { "games", 5 },
					   .home = { "/usr/games", 10 },
					   .shell = { "/bin/sh", 7 } };

	return uid == 5 && !container.len ? &games : NULL;
}

const struct group *state_group(const struct state *s, struct str container, uint32_t gid)
{
	static const struct group staff = { .gid = 50, .name = { "staff", 5 } };

	return gid == 50 ? &staff : NULL;
}

struct str state_host_name(const struct state *s, const void *address, size_t *at)
{
	static const char known[HOST_ADDRESS] = { 4, 1, 2, 3, 4 };
	static const char *const names[] = { "one.example", "two.example" };
	bool more = *at < ARRAY_SIZE(names) && memcmp(address, known, sizeof(known)) == 0;

	return more ? str_of(names[(*at)++]) : (struct str){ 0 };
}

struct container *state_container(const struct state *s, struct str id)
{
	return NULL;
}

static void reset_procs(void)
{
	init_proc = (struct proc){
		.id = { .pid = 1, .tid = 1, .vpid = 1, .pid_ns = 7 },
		.comm = STR("init"),
		.exe = STR("/sbin/init"),
		.sid = 1,
		.pgid = 1,
		.clone_ns = 1000,
		.complete = true,
	};
	shell_proc = (struct proc){
		.id = { .pid = 20, .tid = 20, .vpid = 20, .pid_ns = 7 },
		.parent = &init_proc,
		.comm = STR("bash"),
		.exe = STR("-bash"),
		.args = STR("-x\0-y\0"),
		.env = STR("HOME=/h\0"),
		.exepath = STR("/usr/bin/bash"),
		.sid = 20,
		.pgid = 20,
		.vpgid = 20,
		.clone_ns = 2000,
		.complete = true,
	};
	self_proc = (struct proc){
		.id = { .pid = 30, .tid = 30, .vpid = 30, .pid_ns = 7 },
		.parent = &shell_proc,
		.comm = STR("cat"),
		.exe = STR("/bin/cat"),
		.args = STR("-n\0a b\0"),
		.env = STR("A=1\0PATH= /bin \0"),
		.exepath = STR("/usr/bin/cat"),
		.cwd = STR("/root"),
		.cgroups = STR("cpu=/x\0memory=/y\0"),
		.sid = 20,
		.pgid = 30,
		.vpgid = 30,
		.tty = 34816,
		.nthreads = 3,
		.exe_flags = 2,
		.cap_effective = 0x3,
		.exe_ino_ctime = 5,
		.vm_size = 100,
		.clone_ns = 3000,
		.complete = true,
	};
}

struct record_builder rec;

void begin(uint16_t type)
{
	struct rec_ident who = {
		.pid = 30,
		.tid = 31,
		.ppid = 20,
		.vpid = 30,
		.vtid = 31,
		.uid = 5,
		.gid = 50,
		.loginuid = UINT32_MAX,
		.pid_ns = 7,
		.start_ns = 3000,
		.comm = "cat",
	};

	record_begin(&rec, type, 10000, &who);
	rec.hdr.cpu = 2;
}

void add_fd(char kind, int64_t num, uint8_t flags)
{
	struct rec_fd fd = {
		.num = num, .kind = (uint8_t)kind, .flags = flags, .ino = 77, .dev = 0x801
	};

	record_extra(&rec, REC_X_FD, &fd, sizeof(fd));
}

void add_path(uint16_t tag, const char *path)
{
	record_extra(&rec, tag, path, strlen(path));
}

/* A value as a text good enough for the rows below. */
static void print(const struct field_ref *ref, const struct value *v, struct strbuf *out)
{
	switch (ref->type) {
	case VT_BOOL: strbuf_addz(out, v->b ? "true" : "false"); break;
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: strbuf_add_i64(out, v->i); break;
	case VT_STRING:
	case VT_BYTES: strbuf_add(out, v->s); break;
	case VT_IPADDR:
	case VT_IPNET: addr_print(v->ip.family == 6 ? AF_INET6 : AF_INET, v->ip.bytes, out); break;
	default: strbuf_add_u64(out, v->u);
	}
}

static void print_all(const struct field_ref *ref, const struct value *v, struct strbuf *out)
{
	if (!ref->list && ref->match == MATCH_ONE) {
		print(ref, v, out);
		return;
	}
	for (uint32_t i = 0; i < v->list.n; i++) {
		if (i)
			strbuf_addc(out, ' ');
		print(ref, &v->list.items[i], out);
	}
}

void bind_row(const struct row *row, struct arena *a, struct field_ref *ret)
{
	const struct catalogue *c = fields_catalogue();
	struct str why;

	*ret = (struct field_ref){ .has_arg = row->arg, .arg = str_of(row->arg) };
	for (size_t i = 0; i < c->nfields; i++)
		if (str_eqz(str_of(c->fields[i].name), row->field))
			ret->def = &c->fields[i];
	assert_non_null(ret->def);
	assert_int_equal(c->bind(c, ret, a, &why), 0);
}

void decode(void (*scenario)(void), struct event *ret)
{
	reset_procs();
	scenario();
	const struct rec_hdr *hdr = record_end(&rec);

	assert_non_null(hdr);
	assert_int_equal(event_decode(hdr, hdr->len, ret), 0);
	ret->num = 17;
	ret->wall_ns = UINT64_C(1566230400010000000);
	ret->proc = &self_proc;
}

unsigned check_row(const struct row *row, bool with_proc)
{
	const struct catalogue *c = fields_catalogue();
	_cleanup_(arena_done) struct arena a = { 0 };
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	struct field_ref ref;
	struct value v;
	struct event ev;
	struct fields_event fe = {
		.ev = &ev, .hostname = "box", .first_ns = 1000, .prev_ns = 9500
	};

	bind_row(row, &a, &ref);
	decode(row->scenario, &ev);
	if (!with_proc)
		ev.proc = NULL;
	bool has = c->extract(c, &fe, &ref, row->resolved, &a, &v);

	if (has)
		print_all(&ref, &v, &text);
	if (!with_proc || (has == !!row->want && (!has || str_eqz(strbuf_str(&text), row->want))))
		return 0;
	print_message("%s[%s]: got %s, want %s\n", row->field, row->arg ? row->arg : "",
		      has ? strbuf_z(&text) : "(none)", row->want ? row->want : "(none)");
	return 1;
}
