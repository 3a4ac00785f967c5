/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of the descriptor that an event makes, uses or closes. What it is comes from the record (the
 * kernel told it at that moment); only where the call failed, and there is none, is the text made of the
 * parameters, as rules expect.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "event/text.h"
#include "fields/extract.h"
#include "fields/sock.h"

bool fd_available(const struct event *ev)
{
	return ev->info->flags & (EVF_CREATES_FD | EVF_USES_FD | EVF_DESTROYS_FD);
}

static int fd_param(const struct event *ev)
{
	for (unsigned i = 0; i < ev->info->nparams; i++)
		if (ev->info->params[i].type == PT_FD && ev->params[i].ptr)
			return (int)i;
	return -1;
}

int64_t fd_number(const struct event *ev)
{
	int i = fd_param(ev);
	int64_t num = ev->fd ? ev->fd->num : i >= 0 ? event_i64(ev, (unsigned)i, -1) : -1;

	return num < 0 && ev->info->flags & EVF_CREATES_FD ? -1 : num;
}

char fd_kind(const struct event *ev)
{
	if (!ev->fd || ev->fd->num < 0 || !ev->fd->kind)
		return 0;
	if (ev->fd->kind == '6' && sock_is_mapped(ev->fd))
		return '4';
	return (char)ev->fd->kind;
}

bool fd_is_file(const struct event *ev)
{
	char kind = fd_kind(ev);

	return kind == 'f' || kind == 'd';
}

static bool is_unix(const struct event *ev)
{
	return fd_kind(ev) == 'u' && ev->fd->family == AF_UNIX;
}

bool fd_is_socket(const struct event *ev)
{
	char kind = fd_kind(ev);

	return kind == '4' || kind == '6' || is_unix(ev);
}

struct str fd_kind_word(const struct event *ev, char kind)
{
	switch (kind) {
	case 'f': return STR("file");
	case 'd': return STR("directory");
	case '4': return STR("ipv4");
	case '6': return STR("ipv6");
	case 'u': return is_unix(ev) ? STR("unix") : STR("userfaultfd");
	case 'p': return STR("pipe");
	case 'e': return STR("event");
	case 's': return STR("signalfd");
	case 'l': return STR("eventpoll");
	case 'i': return STR("inotify");
	case 't': return STR("timerfd");
	case 'n': return STR("netlink");
	case 'b': return STR("bpf");
	case 'r': return STR("io_uring");
	case 'm': return STR("memfd");
	case 'P': return STR("pidfd");
	case 'X': return STR("unsupported");
	default: return STR("other");
	}
}

/* The event opens a file by a name. */
static bool opens(const struct event *ev)
{
	return ev->info->flags & EVF_CREATES_FD && name_param(ev->info, 0) >= 0;
}

static struct str file_name(const struct fx *x)
{
	int i = name_param(x->ev->info, 0);
	struct value v;

	if (opens(x->ev))
		return name_wanted(x, (unsigned)i, &v) ? v.s
		       : x->ev->path.ptr	       ? x->ev->path
						       : FIELD_NO_TEXT;
	/* A call on a name below a directory descriptor: the extra path is the name's, base the directory's. */
	if (i >= 0 && x->ev->info->params[i].dirfd >= 0)
		return x->ev->base;
	return x->ev->path;
}

static struct str tuple_name(const struct fx *x)
{
	for (unsigned i = 0; i < x->ev->info->nparams; i++) {
		uint8_t type = x->ev->info->params[i].type;

		if (type != PT_SOCKTUPLE || !x->ev->params[i].len)
			continue;
		struct strbuf b = fx_buf(x, 256 + x->ev->params[i].len);

		param_print_raw(x->ev, i, &b);
		return b.failed ? (struct str){ 0 } : strbuf_str(&b);
	}
	return (struct str){ 0 };
}

static bool connects(const struct event *ev)
{
	switch (ev->info->code) {
	case EV_SOCKET_CONNECT_X:
	case EV_SOCKET_ACCEPT_5_X:
	case EV_SOCKET_ACCEPT4_6_X: return true;
	default: return false;
	}
}

static struct str inet_name(const struct fx *x)
{
	struct sock s;
	struct strbuf b = fx_buf(x, 128);

	if (!sock_of(x->ev, &s))
		return (struct str){ 0 };
	sock_print(&s, &b);
	return strbuf_str(&b);
}

static struct str unix_name(const struct fx *x)
{
	const struct rec_fd *fd = x->ev->fd;
	struct str tuple = tuple_name(x);

	if (tuple.len)
		return tuple;
	if (!fd->unix_self && !fd->unix_peer)
		return x->ev->path;
	struct strbuf b = fx_buf(x, 64 + x->ev->path.len);

	strbuf_printf(&b, "%" PRIx64 "->%" PRIx64, (uint64_t)fd->unix_self,
		      (uint64_t)fd->unix_peer);
	if (x->ev->path.len)
		strbuf_addc(&b, ' ');
	strbuf_add(&b, x->ev->path);
	return b.failed ? (struct str){ 0 } : strbuf_str(&b);
}

static struct str unknown_name(const struct fx *x)
{
	return connects(x->ev) ? tuple_name(x) : (struct str){ 0 };
}

struct str fd_name(const struct fx *x)
{
	struct str s;

	switch (opens(x->ev) ? 'f' : fd_kind(x->ev)) {
	case 0: s = unknown_name(x); break;
	case 'f':
	case 'd': s = file_name(x); break;
	case '4':
	case '6': s = inet_name(x); break;
	case 'm':
		s = x->ev->info->code == EV_SYSCALL_MEMFD_CREATE_X ? param_named(x->ev, "name")
								   : x->ev->path;
		break;
	case 'u':
		if (is_unix(x->ev)) {
			s = unix_name(x);
			break;
		}
		s = x->ev->path;
		break;
	default: s = x->ev->path;
	}
	return s.ptr ? s : STR("");
}

bool x_fd_num(const struct fx *x, struct value *ret)
{
	ret->i = fd_number(x->ev);
	return fd_available(x->ev) && (x->ev->fd || fd_param(x->ev) >= 0);
}

bool x_fd_type(const struct fx *x, struct value *ret)
{
	char kind = fd_available(x->ev) ? fd_kind(x->ev) : 0;

	return kind && fx_text(fd_kind_word(x->ev, kind), ret);
}

static char guess_kind(const struct event *ev)
{
	switch (ev->info->code) {
	case EV_SYSCALL_OPENAT_2_X:
	case EV_SYSCALL_OPENAT2_X:
	case EV_SYSCALL_CREAT_X: return 'f';
	case EV_SOCKET_SOCKET_X:
	case EV_SOCKET_ACCEPT_5_X:
	case EV_SOCKET_ACCEPT4_6_X: return '4';
	case EV_SYSCALL_PIPE_X:
	case EV_SYSCALL_PIPE2_X: return 'p';
	case EV_SYSCALL_EVENTFD_X:
	case EV_SYSCALL_EVENTFD2_X: return 'e';
	case EV_SYSCALL_SIGNALFD_X:
	case EV_SYSCALL_SIGNALFD4_X: return 's';
	case EV_SYSCALL_TIMERFD_CREATE_X: return 't';
	case EV_SYSCALL_INOTIFY_INIT_X:
	case EV_SYSCALL_INOTIFY_INIT1_X: return 'i';
	default: return 'o';
	}
}

bool x_fd_typechar(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev))
		return false;
	char kind = fd_kind(x->ev);
	struct strbuf b = fx_buf(x, 1);

	strbuf_addc(&b, kind ? kind : guess_kind(x->ev));
	return fx_take(&b, ret);
}

bool x_fd_name(const struct fx *x, struct value *ret)
{
	return fd_available(x->ev) && fx_text(fd_name(x), ret);
}

bool x_fd_directory(const struct fx *x, struct value *ret)
{
	char kind = fd_kind(x->ev);

	if (!fd_available(x->ev) || (kind && !fd_is_file(x->ev)))
		return false;
	struct str s = fd_name(x);

	if (!s.len)
		return false;
	if (kind == 'd' || s.ptr[s.len - 1] == '/')
		return fx_text(s, ret);
	size_t slash = str_rchr(s, '/');

	return fx_text(slash == s.len || slash == 0 ? STR("/") : str_cut(s, slash), ret);
}

bool x_fd_filename(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev) || fd_kind(x->ev) != 'f')
		return false;
	struct str s = fd_name(x);
	size_t slash = str_rchr(s, '/');
	struct str last = slash == s.len ? s : str_skip(s, slash + 1);

	return fx_text(last.ptr ? last : STR(""), ret);
}

bool x_fd_uid(const struct fx *x, struct value *ret)
{
	struct strbuf b = fx_buf(x, 48);

	strbuf_add_u64(&b, x->ev->hdr->who.tid);
	strbuf_add_i64(&b, fd_number(x->ev));
	return fd_available(x->ev) && fd_kind(x->ev) && fx_take(&b, ret);
}

bool x_fd_container(const struct fx *x, struct value *ret)
{
	struct str id = container_of_event(x);
	struct value name;

	if (!fd_available(x->ev) || !(x->which ? x_fd_directory(x, &name) : x_fd_name(x, &name)))
		return false;
	struct strbuf b = fx_buf(x, id.len + name.s.len + 1);

	strbuf_add(&b, id);
	strbuf_addc(&b, ':');
	strbuf_add(&b, name.s);
	return fx_take(&b, ret);
}

/* Device numbers in the layout of stat(2). */
bool x_fd_dev(const struct fx *x, struct value *ret)
{
	uint32_t dev = x->ev->fd ? x->ev->fd->dev : 0;

	ret->i = x->which == 0	 ? (int32_t)dev
		 : x->which == 1 ? (int32_t)((dev & 0xfff00) >> 8)
				 : (int32_t)((dev & 0xff) | ((dev >> 12) & 0xfff00));
	return fd_available(x->ev) && fd_kind(x->ev);
}

bool x_fd_ino(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev) || !fd_kind(x->ev))
		return false;
	ret->u = x->ev->fd->ino;
	return true;
}

bool x_fd_nameraw(const struct fx *x, struct value *ret)
{
	const struct event *ev = x->ev;

	if (!fd_available(ev))
		return false;
	if (!opens(ev)) {
		ret->s = fd_is_file(ev) ? fd_name(x) : (struct str){ 0 };
		return ret->s.ptr;
	}
	struct str s = ev->params[name_param(ev->info, 0)];
	struct strbuf b = fx_buf(x, s.len);

	if (!s.ptr)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '/' || i == 0 || s.ptr[i - 1] != '/')
			strbuf_addc(&b, s.ptr[i]);
	return fx_take(&b, ret);
}

/* Each kind once, in the order of the first descriptor of the kind; or that of one descriptor. */
static bool all_types(const struct fx *x, struct value *ret)
{
	struct str kinds = x->ev->kinds;
	struct value *items = arena_array(x->arena, kinds.len, sizeof(*items));
	uint32_t n = 0;

	if (!items)
		return false;
	for (size_t i = 0; i < kinds.len; i++) {
		bool seen = memchr(kinds.ptr, kinds.ptr[i], i);
		bool asked = x->ref->index >= 0 ? (int64_t)i == x->ref->index : !seen;

		if (kinds.ptr[i] && asked)
			items[n++].s = kinds.ptr[i] == 'u'   ? STR("unix")
				       : kinds.ptr[i] == 'U' ? STR("userfaultfd")
							     : fd_kind_word(x->ev, kinds.ptr[i]);
	}
	ret->list.items = items;
	ret->list.n = n;
	return n;
}

bool x_fd_types(const struct fx *x, struct value *ret)
{
	if (x->ev->kinds.ptr)
		return all_types(x, ret);
	char kind = fd_available(x->ev) ? fd_kind(x->ev) : 0;

	if (!kind || (x->ref->index >= 0 && x->ref->index != fd_number(x->ev)))
		return false;
	struct value *item = arena_new(x->arena, struct value);

	if (!item)
		return false;
	item->s = fd_kind_word(x->ev, kind);
	ret->list.items = item;
	ret->list.n = 1;
	return true;
}

bool x_fd_layer(const struct fx *x, struct value *ret)
{
	ret->b = x->ev->fd && x->ev->fd->flags & x->which;
	return fd_available(x->ev) && fd_kind(x->ev);
}

bool x_fd_sockfamily(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev) || !fd_is_socket(x->ev))
		return false;
	return fx_text(is_unix(x->ev) ? STR("unix") : STR("ip"), ret);
}

bool x_fd_l4proto(const struct fx *x, struct value *ret)
{
	if (!fd_available(x->ev) || !fd_kind(x->ev))
		return false;
	struct str word;

	switch (x->ev->fd->l4) {
	case IPPROTO_TCP: word = STR("tcp"); break;
	case IPPROTO_UDP: word = STR("udp"); break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6: word = STR("icmp"); break;
	case IPPROTO_RAW: word = STR("raw"); break;
	default: word = STR("<NA>");
	}
	return fx_text(word, ret);
}

bool x_fdlist_nums(const struct fx *x, struct value *ret)
{
	struct str s = param_named(x->ev, "fds");
	uint16_t n;

	if (x->ev->info->category != EVC_WAIT || s.len < sizeof(n))
		return false;
	memcpy(&n, s.ptr, sizeof(n));
	s = str_skip(s, sizeof(n));
	struct strbuf b = fx_buf(x, s.len / 10 * 21 + 1);

	for (uint16_t i = 0; i < n && s.len >= 10; i++, s = str_skip(s, 10)) {
		int64_t num;

		memcpy(&num, s.ptr, sizeof(num));
		if (i)
			strbuf_addc(&b, ',');
		strbuf_add_i64(&b, num);
	}
	return fx_take(&b, ret);
}

/* One descriptor of a poll as if the event were about it; false: there are no more. */
static bool next_polled(const struct fx *x, struct str *rest, struct event *ret)
{
	struct rec_fd fd;

	if (rest->len < sizeof(fd))
		return false;
	memcpy(&fd, rest->ptr, sizeof(fd));
	*ret = (struct event){
		.hdr = x->ev->hdr,
		.info = event_info(EV_SYSCALL_DUP_1_X),
		.fd = (const struct rec_fd *)(const void *)rest->ptr,
		.path = str_cut(str_skip(*rest, sizeof(fd)), fd.reserved),
		.proc = x->ev->proc,
	};
	size_t size = sizeof(fd) + ((fd.reserved + (size_t)7) & ~(size_t)7);

	*rest = size <= rest->len ? str_skip(*rest, size) : (struct str){ 0 };
	return true;
}

static bool polled_text(const struct fx *x, struct strbuf *out)
{
	bool client = x->which == POLLED_CIP || x->which == POLLED_CPORT;
	struct sock_end end;

	if (x->which == POLLED_NAME) {
		struct str name = fd_kind(x->ev) ? fd_name(x) : STR("");

		strbuf_add(out, name);
		return name.len;
	}
	if (!sock_end(x, client ? END_CLIENT : END_SERVER, &end))
		return false;
	if (x->which == POLLED_CPORT || x->which == POLLED_SPORT)
		strbuf_add_u64(out, end.port);
	else
		addr_print(end.ip.family == 6 ? AF_INET6 : AF_INET, end.ip.bytes, out);
	return true;
}

/* Of those that have it, divided by commas. */
bool x_fdlist(const struct fx *x, struct value *ret)
{
	struct str rest = x->ev->polled;
	struct strbuf b = fx_buf(x, 256 + rest.len * 2);
	struct event one;

	while (next_polled(x, &rest, &one)) {
		struct fx y = *x;
		size_t before = b.len;

		y.ev = &one;
		if (before)
			strbuf_addc(&b, ',');
		if (!polled_text(&y, &b))
			b.len = before;
	}
	return b.len && fx_take(&b, ret);
}
