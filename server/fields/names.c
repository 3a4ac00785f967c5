/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files in events: as given, made absolute with the directory that the record or the process
 * tells, and as the kernel resolved them. The first path parameter of an event goes with the extras
 * base and path, the second with base2 and path2.
 */
#include <fcntl.h>

#include "event/path.h"
#include "fields/extract.h"

static bool is_path(const struct param_info *p)
{
	return p->type == PT_FSPATH || p->type == PT_FSRELPATH;
}

int name_param(const struct event_info *info, unsigned n)
{
	for (unsigned i = 0; i < info->nparams; i++)
		if (is_path(&info->params[i]) && n-- == 0)
			return (int)i;
	return -1;
}

/* How many path parameters come before parameter i. */
static unsigned name_rank(const struct event_info *info, unsigned i)
{
	unsigned rank = 0;

	for (unsigned k = 0; k < i; k++)
		rank += is_path(&info->params[k]);
	return rank;
}

struct str param_named(const struct event *ev, const char *name)
{
	int i = event_param(ev->info, str_of(name));

	return i < 0 ? (struct str){ 0 } : ev->params[i];
}

uint64_t param_number(const struct event *ev, const char *name, uint64_t missing)
{
	int i = event_param(ev->info, str_of(name));

	return i < 0 ? missing : event_u64(ev, (unsigned)i, missing);
}

static struct str name_base(const struct event *ev, unsigned i, unsigned rank)
{
	struct str base = rank == 0 ? ev->base : rank == 1 ? ev->base2 : (struct str){ 0 };
	int dirfd = ev->info->params[i].dirfd;
	const struct proc *p = ev->proc;

	if (base.ptr)
		return base;
	if (dirfd >= 0 && event_i64(ev, (unsigned)dirfd, AT_FDCWD) != AT_FDCWD)
		return STR("<UNKNOWN>");
	return p && p->cwd.len ? p->cwd : STR("<UNKNOWN>");
}

/* Parameter i made absolute, in `out`. */
static void print_given(const struct event *ev, unsigned i, struct strbuf *out)
{
	struct str name = ev->params[i];

	if (name.len && name.ptr[0] == '/') {
		path_join((struct str){ 0 }, name, out);
		return;
	}
	struct str base = name_base(ev, i, name_rank(ev->info, i));

	if (base.len && base.ptr[0] == '/') {
		path_join(base, name, out);
		return;
	}
	strbuf_add(out, base);
	strbuf_addc(out, '/');
	strbuf_add(out, name);
}

/* Room for what print_given may write. */
static size_t given_room(const struct event *ev, unsigned i)
{
	struct str base = name_base(ev, i, name_rank(ev->info, i));

	return base.len + ev->params[i].len + 64;
}

/* Nothing would change: absolute, no empty or dotted component. */
static bool is_normal(struct str s)
{
	if (!s.len || s.ptr[0] != '/' || s.len > 1024)
		return false;
	if (s.len == 1)
		return true;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] == '/' &&
		    (i + 1 == s.len || s.ptr[i + 1] == '/' || s.ptr[i + 1] == '.'))
			return false;
	return true;
}

bool name_given(const struct fx *x, unsigned i, struct value *ret)
{
	if (!x->ev->params[i].ptr)
		return false;
	if (is_normal(x->ev->params[i]))
		return fx_text(x->ev->params[i], ret);
	struct strbuf b = fx_buf(x, given_room(x->ev, i));

	print_given(x->ev, i, &b);
	return fx_take(&b, ret);
}

/* What the kernel made of parameter i; ptr NULL: not known. */
static struct str name_resolved(const struct event *ev, unsigned i)
{
	if (!is_path(&ev->info->params[i]))
		return (struct str){ 0 };
	unsigned rank = name_rank(ev->info, i);
	struct str s = rank == 0 ? ev->path : rank == 1 ? ev->path2 : (struct str){ 0 };

	return s.len && s.ptr[0] == '/' ? s : (struct str){ 0 };
}

bool name_wanted(const struct fx *x, unsigned i, struct value *ret)
{
	struct str s = name_resolved(x->ev, i);

	/* A name that could not be read from the caller is no reason to know nothing. */
	if (s.ptr && (x->resolved || !x->ev->params[i].ptr))
		return fx_text(s, ret);
	return name_given(x, i, ret);
}

static bool name_differs(const struct event *ev, unsigned i)
{
	struct str resolved = name_resolved(ev, i);
	char room[LIMIT_PATH + 1280];

	if (!resolved.ptr || !ev->params[i].ptr)
		return false;
	if (is_normal(ev->params[i]))
		return !str_eq(ev->params[i], resolved);
	struct strbuf b = { .ptr = room, .cap = sizeof(room), .limit = sizeof(room) };

	print_given(ev, i, &b);
	return b.failed || !str_eq(strbuf_str(&b), resolved);
}

bool fields_names_differ(const struct event *ev)
{
	if (!ev->path.len && !ev->path2.len)
		return false;
	for (unsigned n = 0; n < 2; n++) {
		int i = name_param(ev->info, n);

		if (i >= 0 && name_differs(ev, (unsigned)i))
			return true;
	}
	return false;
}
