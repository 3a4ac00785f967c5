/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the event as such: name, times, outcome, kind of call. Parameters are in fields_arg.c.
 */
#include <time.h>

#include "base/clock.h"
#include "event/text.h"
#include "fields/extract.h"

bool x_none(const struct fx *x, struct value *ret)
{
	return false;
}

/* Put into the stream from outside the kernel: changes of accounts, notices, what plugins tell. */
static bool is_async(const struct event *ev)
{
	return ev->info->kind == EVK_META;
}

static struct str async_name(const struct event *ev)
{
	return ev->info->code == EV_ASYNCEVENT_E ? ev->params[1] : str_of(ev->info->name);
}

bool x_evt_is_async(const struct fx *x, struct value *ret)
{
	ret->b = is_async(x->ev);
	return true;
}

bool x_evt_asynctype(const struct fx *x, struct value *ret)
{
	if (!is_async(x->ev))
		return false;
	ret->s = async_name(x->ev);
	return ret->s.ptr;
}

bool x_zero(const struct fx *x, struct value *ret)
{
	ret->u = 0;
	return true;
}

bool x_evt_procinfo(const struct fx *x, struct value *ret)
{
	const struct rec_ident *who = &x->ev->hdr->who;

	ret->u = x->ev->info->code == EV_PROCINFO_E && (x->which || who->tid == who->pid);
	return true;
}

bool x_one(const struct fx *x, struct value *ret)
{
	ret->u = 1;
	return true;
}

bool x_evt_num(const struct fx *x, struct value *ret)
{
	ret->u = x->ev->num;
	return true;
}

/* Local date, cached by minute. */
static void print_date(struct strbuf *out, uint64_t wall_ns)
{
	static _Thread_local time_t cached_minute = -1;
	static _Thread_local char text[16];
	time_t sec = (time_t)(wall_ns / NS_PER_SEC);

	if (sec / 60 != cached_minute) {
		struct tm tm;

		if (!localtime_r(&sec, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d", &tm))
			return;
		cached_minute = sec / 60;
	}
	strbuf_addz(out, text);
}

bool x_evt_time(const struct fx *x, struct value *ret)
{
	struct strbuf b = fx_buf(x, 48);

	if (x->which == TIME_ISO) {
		clock_print_iso(&b, x->ev->wall_ns, "+0000");
		return fx_take(&b, ret);
	}
	if (x->which == TIME_DATE || x->which == TIME_DATE_S) {
		print_date(&b, x->ev->wall_ns);
		strbuf_addc(&b, ' ');
	}
	clock_print_local(&b, x->ev->wall_ns);
	if ((x->which == TIME_LOCAL_S || x->which == TIME_DATE_S) && b.len > 10)
		b.len -= 10;
	return fx_take(&b, ret);
}

static bool time_part(uint64_t ns, uint32_t part, struct value *ret)
{
	ret->u = part == PART_S ? ns / NS_PER_SEC : part == PART_NS ? ns % NS_PER_SEC : ns;
	return true;
}

bool x_evt_rawtime(const struct fx *x, struct value *ret)
{
	return time_part(x->ev->wall_ns, x->which, ret);
}

/* The time since `from`, 0 when there is no such time. */
static bool time_since(const struct fx *x, uint64_t from, struct value *ret)
{
	uint64_t now = x->ev->hdr->ts_ns;

	return time_part(from && now > from ? now - from : 0, x->which, ret);
}

bool x_evt_reltime(const struct fx *x, struct value *ret)
{
	return time_since(x, x->fe->first_ns, ret);
}

bool x_evt_deltatime(const struct fx *x, struct value *ret)
{
	return time_since(x, x->fe->prev_ns, ret);
}

bool x_evt_around(const struct fx *x, struct value *ret)
{
	uint64_t at = (uint64_t)x->ref->index, now = x->ev->wall_ns;

	ret->u = (now > at ? now - at : at - now) / NS_PER_MS;
	return true;
}

/* Events of plugins come from the plugin's source, which nobody here knows; id 0 is no plugin's. */
bool x_evt_source(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;
	bool plugin = ev->info->kind == EVK_PLUGIN ||
		      (ev->info->code == EV_ASYNCEVENT_E && event_u64(ev, 0, 0));

	return !plugin && fx_text(STR("syscall"), ret);
}

bool x_evt_hostname(const struct fx *x, struct value *ret)
{
	return fx_text(x->fe->hostname ? str_of(x->fe->hostname) : STR(""), ret);
}

bool x_evt_latency_human(const struct fx *x, struct value *ret)
{
	return fx_text(STR("0ns"), ret);
}

bool x_evt_dir(const struct fx *x, struct value *ret)
{
	return fx_text(STR("<"), ret);
}

static bool is_generic(const struct event *ev)
{
	return ev->info->code == EV_GENERIC_X || ev->info->code == EV_GENERIC_E;
}

static struct str type_name(const struct event *ev)
{
	if (is_async(ev))
		return async_name(ev);
	if (!is_generic(ev))
		return str_of(ev->info->name);
	unsigned nr = ev->hdr->syscall != 0xffff ? ev->hdr->syscall
						 : (unsigned)event_u64(ev, 0, 0xffff);
	const struct syscall_info *call = syscall_by_number(nr, ev->hdr->flags & REC_F_32BIT);

	return str_of(call ? call->type : "syscall");
}

bool x_evt_type(const struct fx *x, struct value *ret)
{
	return fx_text(type_name(x->ev), ret);
}

bool x_evt_type_is(const struct fx *x, struct value *ret)
{
	ret->u = str_eq(type_name(x->ev), x->ref->arg);
	return true;
}

bool x_syscall_type(const struct fx *x, struct value *ret)
{
	return x->ev->info->kind == EVK_SYSCALL && fx_text(type_name(x->ev), ret);
}

bool x_evt_category(const struct fx *x, struct value *ret)
{
	static const char *const words[] = {
		[EVC_UNKNOWN] = "unknown",
		[EVC_OTHER] = "other",
		[EVC_FILE] = "file",
		[EVC_NET] = "net",
		[EVC_IPC] = "IPC",
		[EVC_WAIT] = "wait",
		[EVC_SIGNAL] = "signal",
		[EVC_SLEEP] = "sleep",
		[EVC_TIME] = "time",
		[EVC_PROCESS] = "process",
		[EVC_SCHEDULER] = "scheduler",
		[EVC_MEMORY] = "memory",
		[EVC_USER] = "user",
		[EVC_SYSTEM] = "system",
		[EVC_INTERNAL] = "internal",
	};
	const struct event *ev = x->ev;

	switch (ev->info->category) {
	case EVC_IO_READ:
	case EVC_IO_WRITE:
	case EVC_IO_OTHER: break;
	default: return fx_text(str_of(words[ev->info->category]), ret);
	}
	char kind = fd_kind(ev);

	if (fd_is_file(ev))
		return fx_text(STR("file"), ret);
	if (kind == '4' || kind == '6')
		return fx_text(STR("net"), ret);
	if (kind == 'p' || kind == 'e' || kind == 's' || (kind == 'u' && fd_is_socket(ev)))
		return fx_text(STR("ipc"), ret);
	return fx_text(STR("unknown"), ret);
}

bool x_evt_cpu(const struct fx *x, struct value *ret)
{
	ret->i = x->ev->hdr->cpu;
	return true;
}

/* The return value: the first parameter of what a syscall gives back. */
static bool result(const struct event *ev, int64_t *ret)
{
	const struct event_info *info = ev->info;

	if (info->kind != EVK_SYSCALL || info->dir != EVD_EXIT || !info->nparams ||
	    is_generic(ev) || !ev->params[0].ptr)
		return false;
	switch (info->params[0].type) {
	case PT_ERRNO:
	case PT_FD:
	case PT_PID:
	case PT_INT64:
	case PT_UINT64: break;
	default: return false;
	}
	*ret = event_i64(ev, 0, 0);
	return true;
}

bool x_evt_res(const struct fx *x, struct value *ret)
{
	int64_t res;

	if (!result(x->ev, &res))
		return false;
	switch (x->which) {
	case RES_RAW: ret->i = res; return true;
	case RES_FAILED: ret->b = res < 0; return true;
	case RES_COUNT: ret->u = res < 0; return true;
	default: break;
	}
	if (res >= 0)
		return fx_text(STR("SUCCESS"), ret);
	const char *name = errno_name(res);
	struct strbuf b = fx_buf(x, 24);

	if (name)
		return fx_text(str_of(name), ret);
	strbuf_add_i64(&b, res);
	return fx_take(&b, ret);
}

static unsigned error_class(const struct event *ev)
{
	const struct event_info *info = ev->info;

	if (fd_available(ev) && fd_is_file(ev))
		return CLASS_FILE;
	if (fd_available(ev) && fd_is_socket(ev))
		return CLASS_NET;
	if (info->category == EVC_MEMORY)
		return CLASS_MEMORY;
	if (info->flags & EVF_CREATES_FD && info->category == EVC_FILE)
		return CLASS_FILE;
	return info->category == EVC_NET ? CLASS_NET : CLASS_OTHER;
}

bool x_evt_count_error(const struct fx *x, struct value *ret)
{
	int64_t res;

	if (!result(x->ev, &res) || error_class(x->ev) != x->which)
		return false;
	ret->u = res < 0;
	return true;
}

bool x_evt_flag(const struct fx *x, struct value *ret)
{
	ret->b = x->ev->info->flags & x->which;
	return true;
}

bool x_evt_io_dir(const struct fx *x, struct value *ret)
{
	uint16_t flags = x->ev->info->flags;

	if (flags & EVF_READS_FROM_FD)
		return fx_text(STR("read"), ret);
	return flags & EVF_WRITES_TO_FD && fx_text(STR("write"), ret);
}

bool x_evt_is_syslog(const struct fx *x, struct value *ret)
{
	ret->b = x->ev->info->flags & EVF_WRITES_TO_FD && fd_kind(x->ev) == 'u' &&
		 str_contains(fd_name(x), STR("/dev/log"));
	return true;
}

bool x_evt_buflen(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;
	uint8_t category = ev->info->category;
	int64_t res;

	if ((category != EVC_IO_READ && category != EVC_IO_WRITE) || !fd_kind(ev) ||
	    !result(ev, &res))
		return false;
	if ((x->which & BUFLEN_IN && category != EVC_IO_READ) ||
	    (x->which & BUFLEN_OUT && category != EVC_IO_WRITE) ||
	    (x->which & BUFLEN_FILE && !fd_is_file(ev)) ||
	    (x->which & BUFLEN_NET && !fd_is_socket(ev)))
		return false;
	ret->u = res > 0 ? (uint64_t)res : 0;
	return true;
}

/* Values of the table file_flags. */
enum {
	FF_READ = 0x1,
	FF_WRITE = 0x2,
	FF_CREAT = 0x4,
	FF_TMPFILE = 0x2000,
	FF_CREATED = 0x4000,
	MODE_X = 0111,
};

static bool is_open(const struct event *ev)
{
	switch (ev->info->code) {
	case EV_SYSCALL_OPEN_X:
	case EV_SYSCALL_OPENAT_2_X:
	case EV_SYSCALL_OPENAT2_X:
	case EV_SYSCALL_OPEN_BY_HANDLE_AT_X: return true;
	default: return false;
	}
}

bool x_evt_is_open(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;

	ret->b = false;
	if (ev->info->code == EV_SYSCALL_CREAT_X)
		ret->b = x->which == OPEN_EXEC && param_number(ev, "mode", 0) & MODE_X;
	if (!is_open(ev))
		return true;
	uint64_t flags = param_number(ev, "flags", 0);

	switch (x->which) {
	case OPEN_READ: ret->b = flags & FF_READ; break;
	case OPEN_WRITE: ret->b = flags & FF_WRITE; break;
	case OPEN_EXEC:
		ret->b = flags & (FF_CREAT | FF_TMPFILE) && param_number(ev, "mode", 0) & MODE_X;
		break;
	default: ret->b = flags & FF_CREATED || (flags & FF_TMPFILE && event_i64(ev, 0, -1) >= 0);
	}
	return true;
}
