/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of the event as fields: as text (evt.arg, evt.args), with their own type (evt.rawarg), and
 * as paths (evt.abspath). The texts are event/text.h's; what it cannot know it asks from here.
 */
#include "event/text.h"
#include "fields/extract.h"

/* Descriptors an event names: its own, and directories that names are relative to. */
static bool host_fd(void *ctx, const struct event *e, int64_t num, struct strbuf *out,
		    char *ret_kind, uint8_t *ret_l4)
{
	const struct fx *x = ctx;

	for (unsigned n = 0; n < 2; n++) {
		int i = name_param(e->info, n);
		int dirfd = i < 0 ? -1 : e->info->params[i].dirfd;
		struct str base = n ? e->base2 : e->base;

		if (dirfd < 0 || !base.len || event_i64(e, (unsigned)dirfd, -1) != num)
			continue;
		*ret_kind = 'd';
		*ret_l4 = 0;
		strbuf_add(out, base);
		return true;
	}
	if (!fd_kind(e) || fd_number(e) != num)
		return false;
	*ret_kind = fd_kind(e);
	*ret_l4 = e->fd->l4;
	strbuf_add(out, fd_name(x));
	return true;
}

static struct str host_comm(void *ctx, int64_t tid)
{
	const struct fx *x = ctx;

	if (tid == x->ev->hdr->who.tid)
		return proc_name(x, x->proc);
	const struct proc *p = state_thread(x->fe->state, (uint32_t)tid);

	return p ? p->comm : (struct str){ 0 };
}

static struct str host_user(void *ctx, const struct event *e, uint32_t uid)
{
	return user_name(ctx, uid);
}

static struct str host_group(void *ctx, const struct event *e, uint32_t gid)
{
	return group_name(ctx, gid);
}

static struct str host_cwd(void *ctx, const struct event *e)
{
	const struct proc *p = e->proc;

	return p && p->cwd.len ? p->cwd : (struct str){ 0 };
}

/* The context of the callbacks is only read. */
static struct param_text_host host_of(const struct fx *x)
{
	return (struct param_text_host){
		.ctx = (void *)(uintptr_t)x,
		.fd = host_fd,
		.comm = host_comm,
		.user = host_user,
		.group = host_group,
		.cwd = host_cwd,
	};
}

/* More than any text of one parameter takes. */
static size_t text_room(const struct fx *x, struct str s)
{
	return 1024 + s.len * 3 + x->ev->base.len + x->ev->base2.len + x->ev->path.len +
	       (x->proc ? x->proc->cwd.len : 0);
}

static bool is_text(uint8_t type)
{
	return type == PT_CHARBUF || type == PT_FSPATH || type == PT_FSRELPATH;
}

static int wanted_param(const struct fx *x)
{
	if (x->ref->index < 0)
		return event_param(x->ev->info, x->ref->arg);
	return x->ref->index < x->ev->info->nparams ? (int)x->ref->index : -1;
}

/* "<4t>name" of a descriptor the event knows; the general way would take a buffer from the heap. */
static bool fd_text(const struct fx *x, int64_t num, struct value *ret)
{
	struct strbuf name =
		fx_buf(x, 256 + x->ev->path.len + x->ev->base.len + x->ev->base2.len + LIMIT_PATH);
	struct value l4name;
	char kind;
	uint8_t l4;

	if (num < 0 || !host_fd((void *)(uintptr_t)x, x->ev, num, &name, &kind, &l4))
		return false;
	struct strbuf b = fx_buf(x, name.len + 4);

	strbuf_addc(&b, '<');
	strbuf_addc(&b, kind);
	if ((kind == '4' || kind == '6') && x_fd_l4proto(x, &l4name) && l4name.s.ptr[0] != '<')
		strbuf_addc(&b, l4name.s.ptr[0]);
	strbuf_addc(&b, '>');
	strbuf_add(&b, strbuf_str(&name));
	return !name.failed && fx_take(&b, ret);
}

static void print_raw(const struct fx *x, unsigned i, struct strbuf *out)
{
	struct str s = x->ev->params[i];

	if (x->ref->base64 && s.len && x->ev->info->params[i].type == PT_BYTEBUF)
		strbuf_add_base64(out, s);
	else
		param_print_raw(x->ev, i, out);
}

bool x_evt_arg(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;
	int i = wanted_param(x);

	if (i < 0)
		return false;
	struct str s = ev->params[i];
	uint8_t type = ev->info->params[i].type;

	if (is_text(type) && s.ptr) {
		if (type != PT_CHARBUF && x->resolved)
			return name_wanted(x, (unsigned)i, ret);
		if (type == PT_CHARBUF || (s.len && s.ptr[0] == '/'))
			return fx_text(s, ret);
	}
	if (type == PT_FD && fd_text(x, event_i64(ev, (unsigned)i, -1), ret))
		return true;
	struct param_text_host host = host_of(x);
	struct strbuf b = fx_buf(x, text_room(x, s));

	if (!param_print_resolved(ev, (unsigned)i, &host, &b))
		print_raw(x, (unsigned)i, &b);
	return fx_take(&b, ret);
}

/* What stands in parentheses behind parameter i; false: nothing does. */
static bool resolved_text(const struct fx *x, unsigned i, struct strbuf *out)
{
	struct param_text_host host = host_of(x);
	struct value v;

	if (x->ev->info->params[i].type == PT_FD && fd_text(x, event_i64(x->ev, i, -1), &v)) {
		strbuf_add(out, v.s);
		return true;
	}
	return param_print_resolved(x->ev, i, &host, out);
}

/* As event_print_args, without the heap. */
bool x_evt_args(const struct fx *x, struct value *ret)
{
	const struct event_info *info = x->ev->info;
	bool generic = info->code == EV_GENERIC_X || info->code == EV_GENERIC_E;
	unsigned n = generic ? 0 : info->nparams;
	size_t room = 256;

	for (unsigned i = 0; i < n; i++)
		room += text_room(x, x->ev->params[i]);
	struct strbuf b = fx_buf(x, room);

	for (unsigned i = 0; i < n; i++) {
		strbuf_printf(&b, "%s%s=", i ? " " : "", info->params[i].name);
		print_raw(x, i, &b);
		size_t open = b.len;

		strbuf_addc(&b, '(');
		if (resolved_text(x, i, &b))
			strbuf_addc(&b, ')');
		else
			b.len = open;
	}
	return fx_take(&b, ret);
}

static bool raw_address(struct str s, struct value *ret)
{
	if (s.len != 4 && s.len != 16)
		return false;
	ret->ip = (struct ip_addr){ .family = s.len == 4 ? 4 : 6 };
	memcpy(ret->ip.bytes, s.ptr, s.len);
	return true;
}

static bool is_number(enum value_type t)
{
	switch (t) {
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64:
	case VT_UINT8:
	case VT_UINT16:
	case VT_UINT32:
	case VT_UINT64:
	case VT_RELTIME:
	case VT_ABSTIME:
	case VT_PORT: return true;
	default: return false;
	}
}

/* Numbers of all widths can be compared with each other. */
static bool same_kind(enum value_type a, enum value_type b)
{
	return a == b || (is_number(a) && is_number(b));
}

bool x_evt_rawarg(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;
	int i = event_param(ev->info, x->ref->arg);

	/* A parameter of the same name but of another kind has no value that could be compared. */
	if (i < 0 || !same_kind(fx_raw_type(ev->info->params[i].type), x->ref->type))
		return false;
	struct str s = ev->params[i];

	/* What could not be read is 0, no bytes, or the text for that; only an address must be one. */
	if (!s.ptr && x->ref->type == VT_STRING)
		s = FIELD_NO_TEXT;

	switch (x->ref->type) {
	case VT_STRING:
	case VT_BYTES: return fx_text(s.ptr ? s : STR(""), ret);
	case VT_IPADDR: return raw_address(s, ret);
	case VT_BOOL: ret->b = event_u64(ev, (unsigned)i, 0); return true;
	case VT_DOUBLE:
		if (s.len != sizeof(ret->d))
			return false;
		memcpy(&ret->d, s.ptr, sizeof(ret->d));
		return true;
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: ret->i = event_i64(ev, (unsigned)i, 0); return true;
	default: ret->u = event_u64(ev, (unsigned)i, 0); return true;
	}
}

bool x_evt_buffer(const struct fx *x, struct value *ret)
{
	int i = event_param(x->ev->info, STR("data"));

	if (i < 0 || x->ev->info->params[i].type != PT_BYTEBUF)
		return false;
	ret->s = x->ev->params[i];
	return ret->s.ptr;
}

bool x_evt_abspath(const struct fx *x, struct value *ret)
{
	const struct event_info *info = x->ev->info;
	int first = name_param(info, 0), second = name_param(info, 1);
	bool dst = x->ref->has_arg && str_eqz(x->ref->arg, "dst");
	int i = dst ? second : first;

	/* One path without an argument, two with; and only names that are not just relative to the
	 * working directory. */
	if (i < 0 || (second >= 0) != x->ref->has_arg ||
	    (info->params[i].dirfd < 0 && info->code != EV_SYSCALL_OPEN_BY_HANDLE_AT_X))
		return false;
	return name_wanted(x, (unsigned)i, ret);
}
