/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of parameters, one switch over the types for the plain text and one for what it means. The forms
 * are those rules were written against, down to flags printed in table order; see rules-language.md 6.7.
 */
#include "event/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/path.h"

const char *errno_name(int64_t err)
{
	if (err < 0)
		err = -err;
	return err > 0 && err < 4096 ? strerrorname_np((int)err) : NULL;
}

static bool print_signal(uint64_t sig, struct strbuf *out)
{
	const char *name = sig > 0 && sig < 65 ? sigabbrev_np((int)sig) : NULL;

	if (name)
		strbuf_printf(out, "SIG%s", name);
	return name;
}

bool flags_print(const struct flag_table *t, uint32_t value, bool exact, struct strbuf *out)
{
	size_t start = out->len;
	uint32_t left = value;

	for (size_t i = 0; i < t->n; i++) {
		uint32_t bits = t->rows[i].value;
		bool whole = bits == value;

		if (!whole && (exact || bits == 0 || (left & bits) != bits))
			continue;
		if (out->len > start)
			strbuf_addc(out, '|');
		strbuf_addz(out, t->rows[i].name);
		left &= ~bits;
		if (whole && !exact)
			break;
	}
	return out->len > start;
}

void addr_print(int family, const uint8_t *bytes, struct strbuf *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];

	if (family == AF_INET6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		bytes += sizeof(mapped);
	}
	if (inet_ntop(family, bytes, text, sizeof(text)))
		strbuf_addz(out, text);
}

static void print_end(int family, const uint8_t *addr, uint16_t port, struct strbuf *out)
{
	addr_print(family, addr, out);
	strbuf_printf(out, ":%u", (unsigned)port);
}

static void print_inet_fd(const struct rec_fd *fd, struct strbuf *out)
{
	int family = fd->kind == '6' ? AF_INET6 : AF_INET;
	bool flip = fd->flags & REC_FD_SERVER;
	static const uint8_t none[16];

	if ((fd->flags & REC_FD_LISTENING) ||
	    (fd->remote_port == 0 && memcmp(fd->remote_addr, none, sizeof(none)) == 0 &&
	     !(fd->flags & (REC_FD_SERVER | REC_FD_CLIENT | REC_FD_CONNECTED)))) {
		if (fd->local_port)
			print_end(family, fd->local_addr, fd->local_port, out);
		return;
	}
	print_end(family, flip ? fd->remote_addr : fd->local_addr,
		  flip ? fd->remote_port : fd->local_port, out);
	strbuf_addz(out, "->");
	print_end(family, flip ? fd->local_addr : fd->remote_addr,
		  flip ? fd->local_port : fd->remote_port, out);
}

static void print_unix(uint64_t from, uint64_t to, struct str path, struct strbuf *out)
{
	if (from || to)
		strbuf_printf(out, "%" PRIx64 "->%" PRIx64, from, to);
	if ((from || to) && path.len)
		strbuf_addc(out, ' ');
	strbuf_add(out, path);
}

void fd_print_name(const struct event *e, struct strbuf *out)
{
	switch (e->fd->kind) {
	case '4':
	case '6': print_inet_fd(e->fd, out); break;
	case 'u':
		if (e->fd->family == AF_UNIX) {
			print_unix(e->fd->unix_self, e->fd->unix_peer, e->path, out);
			break;
		}
		strbuf_add(out, e->path);
		break;
	default: strbuf_add(out, e->path);
	}
}

/* A packed SOCKADDR or SOCKTUPLE parameter, record.h. */
static bool print_socket(struct str s, bool tuple, struct strbuf *out)
{
	if (s.len < 1)
		return false;
	const uint8_t *p = (const uint8_t *)s.ptr + 1;
	size_t left = s.len - 1;
	uint8_t family = (uint8_t)s.ptr[0];

	if (family == AF_UNIX) {
		uint64_t ends[2] = { 0 };

		if (tuple && left < sizeof(ends))
			return false;
		if (tuple)
			memcpy(ends, p, sizeof(ends));
		print_unix(ends[0], ends[1], str_skip(s, 1 + (tuple ? sizeof(ends) : 0)), out);
		return true;
	}
	size_t alen = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	if (!alen || left < (alen + 2) * (tuple ? 2 : 1))
		return false;
	for (unsigned i = 0; i < (tuple ? 2U : 1U); i++, p += alen + 2) {
		uint16_t port;

		memcpy(&port, p + alen, sizeof(port));
		if (i)
			strbuf_addz(out, "->");
		print_end(family, p, port, out);
	}
	return true;
}

static bool print_fdlist(struct str s, struct strbuf *out)
{
	uint16_t n;

	if (s.len < sizeof(n))
		return false;
	memcpy(&n, s.ptr, sizeof(n));
	s = str_skip(s, sizeof(n));
	for (uint16_t i = 0; i < n && s.len >= 10; i++, s = str_skip(s, 10)) {
		int64_t fd;
		int16_t flags;

		memcpy(&fd, s.ptr, sizeof(fd));
		memcpy(&flags, s.ptr + sizeof(fd), sizeof(flags));
		strbuf_printf(out, "%s%" PRId64 ":%X", i ? " " : "", fd, (unsigned)(uint16_t)flags);
	}
	return true;
}

static void print_abstime(uint64_t ns, struct strbuf *out)
{
	time_t sec = (time_t)(ns / NS_PER_SEC);
	char text[32];
	struct tm tm;

	if (!localtime_r(&sec, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		return;
	strbuf_printf(out, "%s.%09" PRIu64, text, ns % NS_PER_SEC);
}

static void print_bytes(struct str s, struct strbuf *out)
{
	char *room = strbuf_room(out, s.len);

	if (!room)
		return;
	for (size_t i = 0; i < s.len; i++)
		room[i] = s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f ? s.ptr[i] : '.';
	out->len += s.len;
}

/* Texts each ended by NUL, joined. */
static void print_array(struct str s, struct strbuf *out)
{
	struct str part;

	for (bool first = true; s.len && str_split(&s, '\0', &part); first = false) {
		if (!first)
			strbuf_addc(out, '.');
		strbuf_add(out, part);
	}
}

static void print_number(int64_t v, bool is_signed, uint8_t format, struct strbuf *out)
{
	if (format == PF_HEX)
		strbuf_printf(out, "%" PRIX64, (uint64_t)v);
	else if (format == PF_OCT)
		strbuf_printf(out, "%#" PRIo64, (uint64_t)v);
	else if (is_signed)
		strbuf_add_i64(out, v);
	else
		strbuf_add_u64(out, (uint64_t)v);
}

/* Hexadecimal and octal texts of a signed number show the bits of its width. */
static int64_t in_width(int64_t v, unsigned width)
{
	return width && width < 8 ? (int64_t)((uint64_t)v & ((UINT64_C(1) << width * 8) - 1)) : v;
}

static void print_signals(uint32_t set, struct strbuf *out)
{
	size_t start = out->len;

	for (unsigned sig = 1; sig <= 32; sig++) {
		if (!(set >> (sig - 1) & 1) || !sigabbrev_np((int)sig))
			continue;
		if (out->len > start)
			strbuf_addc(out, ',');
		print_signal(sig, out);
	}
}

/* What the first byte of a DYN parameter says about the rest. */
static enum param_type dyn_type(const struct param_info *info, struct str s)
{
	static const struct {
		const char *table;
		uint8_t n;
		uint8_t types[5];
	} rows[] = {
		{ "bpf_dynamic_param", 2, { PT_FD, PT_ERRNO } },
		{ "ptrace_dynamic_param", 2, { PT_UINT64, PT_SIGTYPE } },
		{ "sockopt_dynamic_param",
		  5,
		  { PT_BYTEBUF, PT_ERRNO, PT_UINT32, PT_UINT64, PT_RELTIME } },
		{ "keyctl_dynamic_param", 3, { PT_INT64, PT_CHARBUF, PT_BYTEBUF } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows) && info->flags && s.len; i++)
		if (str_eqz(str_of(rows[i].table), info->flags->name) &&
		    (uint8_t)s.ptr[0] < rows[i].n)
			return rows[i].types[(uint8_t)s.ptr[0]];
	return PT_BYTEBUF;
}

/* The parameter's type, or what a DYN one holds; the bytes of the value in *ret. */
static enum param_type param_value(const struct event *e, unsigned i, struct str *ret)
{
	const struct param_info *info = &e->info->params[i];

	*ret = e->params[i];
	if (info->type != PT_DYN)
		return info->type;
	enum param_type type = dyn_type(info, *ret);

	*ret = str_skip(*ret, 1);
	return type;
}

/* False: there is no value to print. */
static bool print_value(const struct event *e, unsigned i, struct strbuf *out)
{
	uint8_t format = e->info->params[i].format;
	struct str s;
	enum param_type type = param_value(e, i, &s);
	unsigned width = param_width(type);
	int64_t v = event_i64(e, i, 0);
	double d;

	if (!e->params[i].ptr || (width && s.len != width))
		return false;
	switch (type) {
	case PT_INT8:
	case PT_INT16:
	case PT_INT32:
	case PT_INT64:
		print_number(format == PF_DEC ? v : in_width(v, width), true, format, out);
		return true;
	case PT_UINT8:
	case PT_UINT16:
	case PT_UINT32:
	case PT_UINT64: print_number(v, false, format, out); return true;
	case PT_FD:
	case PT_ERRNO:
	case PT_PID: strbuf_add_i64(out, v); return true;
	case PT_PORT:
	case PT_SYSCALLID:
	case PT_SIGTYPE:
	case PT_FLAGS8:
	case PT_FLAGS16:
	case PT_FLAGS32:
	case PT_ENUMFLAGS8:
	case PT_ENUMFLAGS16:
	case PT_ENUMFLAGS32: strbuf_add_u64(out, (uint64_t)v); return true;
	case PT_MODE: strbuf_printf(out, "%#" PRIo64, (uint64_t)v); return true;
	case PT_UID:
	case PT_GID: strbuf_add_i64(out, v == UINT32_MAX ? -1 : v); return true;
	case PT_BOOL: strbuf_addz(out, v ? "true" : "false"); return true;
	case PT_DOUBLE:
		memcpy(&d, s.ptr, sizeof(d));
		strbuf_printf(out, "%g", d);
		return true;
	case PT_RELTIME:
		if (v == -1)
			strbuf_addz(out, "none");
		else
			strbuf_add_u64(out, (uint64_t)v);
		return true;
	case PT_ABSTIME: print_abstime((uint64_t)v, out); return true;
	case PT_SIGSET: print_signals((uint32_t)v, out); return true;
	case PT_CHARBUF:
	case PT_FSPATH:
	case PT_FSRELPATH: strbuf_add(out, s); return true;
	case PT_BYTEBUF: print_bytes(s, out); return s.len;
	case PT_CHARBUFARRAY:
	case PT_CHARBUF_PAIR_ARRAY: print_array(s, out); return s.len;
	case PT_SOCKADDR: return print_socket(s, false, out);
	case PT_SOCKTUPLE: return print_socket(s, true, out);
	case PT_FDLIST: return print_fdlist(s, out);
	case PT_IPV4ADDR:
		if (s.len == 4)
			addr_print(AF_INET, (const uint8_t *)s.ptr, out);
		return s.len == 4;
	case PT_IPV6ADDR:
		if (s.len == 16)
			addr_print(AF_INET6, (const uint8_t *)s.ptr, out);
		return s.len == 16;
	case PT_DYN: return false;
	}
	return false;
}

void param_print_raw(const struct event *e, unsigned i, struct strbuf *out)
{
	if (print_value(e, i, out))
		return;
	switch ((enum param_type)e->info->params[i].type) {
	case PT_BYTEBUF:
	case PT_SOCKTUPLE:
	case PT_FDLIST:
	case PT_DYN:
	case PT_CHARBUFARRAY:
	case PT_CHARBUF_PAIR_ARRAY: strbuf_addz(out, "NULL"); break;
	default: strbuf_addz(out, "<NA>");
	}
}

static bool own_fd(const struct event *e, int64_t num, struct strbuf *out, char *ret_kind,
		   uint8_t *ret_l4)
{
	if (!e->fd || e->fd->num != num || !e->fd->kind)
		return false;
	*ret_kind = (char)e->fd->kind;
	*ret_l4 = e->fd->l4;
	fd_print_name(e, out);
	return true;
}

static void print_fd_kind(char kind, uint8_t l4, struct strbuf *out)
{
	strbuf_addc(out, '<');
	strbuf_addc(out, kind);
	if (kind == '4' || kind == '6') {
		const char letter = l4 == IPPROTO_TCP				 ? 't'
				    : l4 == IPPROTO_UDP				 ? 'u'
				    : l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6 ? 'i'
				    : l4 == IPPROTO_RAW				 ? 'r'
										 : 0;

		if (letter)
			strbuf_addc(out, letter);
	}
	strbuf_addc(out, '>');
}

static bool print_errno(int64_t v, struct strbuf *out)
{
	const char *name = v < 0 ? errno_name(v) : NULL;

	if (name)
		strbuf_addz(out, name);
	return name;
}

static bool print_fd(const struct event *e, int64_t num, const struct param_text_host *host,
		     struct strbuf *out)
{
	if (num == AT_FDCWD) {
		strbuf_addz(out, "AT_FDCWD");
		return true;
	}
	if (num < 0)
		return print_errno(num, out);
	_cleanup_(strbuf_done) struct strbuf name = { 0 };
	char kind = 'o';
	uint8_t l4 = 0;

	if (!(host && host->fd ? host->fd(host->ctx, e, num, &name, &kind, &l4)
			       : own_fd(e, num, &name, &kind, &l4)))
		return false;
	print_fd_kind(kind, l4, out);
	strbuf_add(out, strbuf_str(&name));
	return true;
}

/* The directory that the name in parameter i is relative to; ptr NULL: unknown. */
static struct str base_of(const struct event *e, unsigned i, const struct param_text_host *host)
{
	unsigned before = 0;

	for (unsigned k = 0; k < i; k++)
		before += e->info->params[k].type == PT_FSPATH ||
			  e->info->params[k].type == PT_FSRELPATH;
	struct str base = before == 0 ? e->base : before == 1 ? e->base2 : (struct str){ 0 };

	if (base.ptr)
		return base;
	int dirfd = e->info->params[i].dirfd;

	if (dirfd >= 0 && event_i64(e, (unsigned)dirfd, AT_FDCWD) != AT_FDCWD)
		return STR("<UNKNOWN>");
	return host && host->cwd ? host->cwd(host->ctx, e) : (struct str){ 0 };
}

static bool print_full_path(const struct event *e, unsigned i, const struct param_text_host *host,
			    struct strbuf *out)
{
	struct str s = e->params[i];

	if (s.len == 0 || s.ptr[0] == '/')
		return false;
	struct str base = base_of(e, i, host);

	if (!base.ptr)
		return false;
	if (base.len && base.ptr[0] == '/') {
		path_join(base, s, out);
		return true;
	}
	strbuf_add(out, base);
	strbuf_addc(out, '/');
	strbuf_add(out, s);
	return true;
}

static bool print_account(struct str name, bool unset, struct strbuf *out)
{
	if (unset)
		strbuf_addz(out, "<NONE>");
	else if (name.ptr)
		strbuf_add(out, name);
	else
		strbuf_addz(out, "<NA>");
	return true;
}

bool param_print_resolved(const struct event *e, unsigned i, const struct param_text_host *host,
			  struct strbuf *out)
{
	const struct param_info *info = &e->info->params[i];
	struct str s, name = { 0 };
	enum param_type type = param_value(e, i, &s);
	uint64_t v = event_u64(e, i, 0);
	void *ctx = host ? host->ctx : NULL;

	if (!e->params[i].ptr || (param_width(type) && s.len != param_width(type)))
		return false;
	switch (type) {
	case PT_FD: return print_fd(e, (int64_t)v, host, out);
	case PT_ERRNO: return print_errno((int64_t)v, out);
	case PT_PID:
		if (host && host->comm && (int64_t)v >= 0)
			name = host->comm(ctx, (int64_t)v);
		strbuf_add(out, name);
		return name.len;
	case PT_FLAGS8:
	case PT_FLAGS16:
	case PT_FLAGS32:
	case PT_MODE: return info->flags && flags_print(info->flags, (uint32_t)v, false, out);
	case PT_ENUMFLAGS8:
	case PT_ENUMFLAGS16:
	case PT_ENUMFLAGS32: return info->flags && flags_print(info->flags, (uint32_t)v, true, out);
	case PT_FSPATH:
	case PT_FSRELPATH: return print_full_path(e, i, host, out);
	case PT_SYSCALLID: {
		const struct syscall_info *call = syscall_by_number((unsigned)v,
								    e->hdr->flags & REC_F_32BIT);

		if (call)
			strbuf_addz(out, call->name);
		return call;
	}
	case PT_SIGTYPE: return print_signal(v, out);
	case PT_RELTIME:
		if (v != UINT64_MAX)
			strbuf_printf(out, "%" PRIu64 ".%09" PRIu64 "s", v / NS_PER_SEC,
				      v % NS_PER_SEC);
		return v != UINT64_MAX;
	case PT_UID:
		if (host && host->user)
			name = host->user(ctx, e, (uint32_t)v);
		return print_account(name, v == UINT32_MAX, out);
	case PT_GID:
		if (host && host->group)
			name = host->group(ctx, e, (uint32_t)v);
		return print_account(name, v == UINT32_MAX, out);
	default: return false;
	}
}

void event_print_args(const struct event *e, const struct param_text_host *host, struct strbuf *out)
{
	if (e->info->code == EV_GENERIC_E || e->info->code == EV_GENERIC_X)
		return;
	for (unsigned i = 0; i < e->info->nparams; i++) {
		strbuf_printf(out, "%s%s=", i ? " " : "", e->info->params[i].name);
		param_print_raw(e, i, out);
		size_t open = out->len;

		strbuf_addc(out, '(');
		if (param_print_resolved(e, i, host, out))
			strbuf_addc(out, ')');
		else
			out->len = open;
	}
}
