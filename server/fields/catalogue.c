/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of a live host: the rows of fields.def as field_defs, and beside them, by id, the
 * functions that read the values. The language only sees the former.
 */
#include "fields/catalogue.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "fields/extract.h"

enum { FIRST_ID = __COUNTER__ + 1 };

#define FIELD(fname, fcls, ftype, fflags, farg, fprint, ffn, fwhich, fdesc)                        \
	{ .name = (fname),                                                                         \
	  .cls = (fcls),                                                                           \
	  .desc = (fdesc),                                                                         \
	  .type = VT_##ftype,                                                                      \
	  .flags = (fflags),                                                                       \
	  .arg = (farg),                                                                           \
	  .print = PRINT_##fprint,                                                                 \
	  .id = __COUNTER__ - FIRST_ID },
static const struct field_def defs[] = {
#include "fields/fields.def"
};
#undef FIELD

#define FIELD(fname, fcls, ftype, fflags, farg, fprint, ffn, fwhich, fdesc)                        \
	{ .fn = (ffn), .which = (fwhich) },
static const struct {
	field_fn *fn;
	uint32_t which;
} rows[] = {
#include "fields/fields.def"
};
#undef FIELD

/* evt.rawarg takes print format and type from the parameter, evt.arg depends on names only for paths:
 * bind puts one of these in place of the row. Ids are set to that of the row by bind_variant. */
#define RAWARG(fprint)                                                                             \
	{                                                                                          \
		.name = "evt.rawarg", .cls = "evt", .desc = "", .type = VT_NONE,                   \
		.flags = FIELD_NO_RHS | FIELD_NO_TRANSFORMER, .arg = ARG_NAME | ARG_REQUIRED,      \
		.print = (fprint), .id = UINT16_MAX                                                \
	}
static const struct field_def rawarg_defs[] = {
	[PF_NA] = RAWARG(PRINT_PLAIN),
	[PF_DEC] = RAWARG(PRINT_DEC),
	[PF_HEX] = RAWARG(PRINT_HEX),
	[PF_OCT] = RAWARG(PRINT_OCT),
};
static const struct field_def arg_def = {
	.name = "evt.arg",
	.cls = "evt",
	.desc = "",
	.type = VT_STRING,
	.flags = FIELD_SHOWS_BYTES,
	.arg = ARG_NAME | ARG_INDEX | ARG_REQUIRED,
	.print = PRINT_PLAIN,
	.id = UINT16_MAX - 1,
};

static bool is_ancestors(field_fn *fn)
{
	return fn == x_proc_ancestor || fn == x_proc_apid || fn == x_proc_aenv;
}

static bool is_pair(field_fn *fn)
{
	return fn == x_fd_ip_pair || fn == x_fd_port_pair || fn == x_fd_ip_name;
}

/* The type of the language a parameter has in evt.rawarg. */
static enum value_type raw_type(enum param_type t)
{
	static const uint8_t types[] = {
		[PT_INT8] = VT_INT8,	      [PT_INT16] = VT_INT16,
		[PT_INT32] = VT_INT32,	      [PT_INT64] = VT_INT64,
		[PT_UINT8] = VT_UINT8,	      [PT_UINT16] = VT_UINT16,
		[PT_UINT32] = VT_UINT32,      [PT_UINT64] = VT_UINT64,
		[PT_CHARBUF] = VT_STRING,     [PT_BYTEBUF] = VT_BYTES,
		[PT_ERRNO] = VT_INT64,	      [PT_SOCKADDR] = VT_BYTES,
		[PT_SOCKTUPLE] = VT_BYTES,    [PT_FD] = VT_INT64,
		[PT_PID] = VT_INT64,	      [PT_FDLIST] = VT_BYTES,
		[PT_FSPATH] = VT_STRING,      [PT_SYSCALLID] = VT_UINT16,
		[PT_SIGTYPE] = VT_UINT8,      [PT_RELTIME] = VT_RELTIME,
		[PT_ABSTIME] = VT_ABSTIME,    [PT_PORT] = VT_PORT,
		[PT_BOOL] = VT_BOOL,	      [PT_DOUBLE] = VT_DOUBLE,
		[PT_UID] = VT_UINT32,	      [PT_GID] = VT_UINT32,
		[PT_FLAGS8] = VT_UINT8,	      [PT_FLAGS16] = VT_UINT16,
		[PT_FLAGS32] = VT_UINT32,     [PT_ENUMFLAGS8] = VT_UINT8,
		[PT_ENUMFLAGS16] = VT_UINT16, [PT_ENUMFLAGS32] = VT_UINT32,
		[PT_MODE] = VT_UINT32,	      [PT_FSRELPATH] = VT_STRING,
		[PT_DYN] = VT_BYTES,	      [PT_SIGSET] = VT_UINT32,
		[PT_IPV4ADDR] = VT_IPADDR,    [PT_IPV6ADDR] = VT_IPADDR,
		[PT_CHARBUFARRAY] = VT_BYTES, [PT_CHARBUF_PAIR_ARRAY] = VT_BYTES,
	};
	return t < ARRAY_SIZE(types) ? types[t] : VT_NONE;
}

static bool is_signed(const struct param_info *p)
{
	switch (raw_type(p->type)) {
	case VT_INT8:
	case VT_INT16:
	case VT_INT32:
	case VT_INT64: return true;
	default: return false;
	}
}

/*
 * The first parameter of that name in the table of events; *ret_path: some parameter of it is a path;
 * *ret_signed: some is a number that may be negative.
 */
static const struct param_info *first_param(struct str name, bool *ret_path, bool *ret_signed)
{
	const struct param_info *first = NULL;

	*ret_path = *ret_signed = false;
	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		const struct event_info *info = event_info(code);
		int i = info ? event_param(info, name) : -1;

		if (i < 0)
			continue;
		if (!first)
			first = &info->params[i];
		*ret_signed |= is_signed(&info->params[i]);
		*ret_path |= info->params[i].type == PT_FSPATH ||
			     info->params[i].type == PT_FSRELPATH || info->params[i].type == PT_FD;
	}
	return first;
}

static int unknown_param(struct str name, struct arena *a, struct str *ret_why)
{
	struct suggest near = suggest_for(name);

	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		const struct event_info *info = event_info(code);

		for (int i = 0; info && i < info->nparams; i++)
			suggest_offer(&near, str_of(info->params[i].name));
	}
	*ret_why = near.best.ptr ? arena_printf(a,
						"the name of a parameter of some event, perhaps "
						"\"" STR_FMT "\"",
						STR_ARG(near.best))
				 : STR("the name of a parameter of some event");
	return -EINVAL;
}

static int bind_event_arg(struct field_ref *ref, field_fn *fn, struct arena *a, struct str *ret_why)
{
	bool path, negative;

	if (fn == x_evt_arg && ref->index >= 0)
		return 0;
	const struct param_info *p = first_param(ref->arg, &path, &negative);

	if (!p)
		return unknown_param(ref->arg, a, ret_why);
	if (fn == x_evt_rawarg) {
		ref->type = raw_type(p->type);
		/* One size is unsigned, another is not. */
		if (negative && p->format == PF_DEC && ref->type >= VT_UINT8 &&
		    ref->type <= VT_UINT32)
			ref->type = VT_INT64;
		ref->def = &rawarg_defs[p->format];
	} else if (!path) {
		ref->def = &arg_def;
	}
	return 0;
}

static int bind_event_name(struct field_ref *ref, struct str *ret_why)
{
	struct bitset codes = { 0 };

	if (event_codes_named(ref->arg, &codes))
		return 0;
	*ret_why = STR("the name of an event");
	return -EINVAL;
}

/* Without a declaration the whole name is one of no field. */
static int bind_static(struct field_ref *ref)
{
	int i = fx_static_find(ref->arg);

	if (i >= 0)
		ref->aux = (uint32_t)i;
	return i < 0 ? i : 0;
}

static int bind_index(struct field_ref *ref, struct str *ret_why)
{
	int64_t n;
	bool digits = ref->arg.len && ref->arg.ptr[0] >= '0' && ref->arg.ptr[0] <= '9';

	if (digits && str_to_i64(ref->arg, &n) == 0) {
		ref->index = n;
		return 0;
	}
	if (ref->def->arg & (ARG_KEY | ARG_NAME))
		return 0;
	*ret_why = STR("a number in brackets");
	return -EINVAL;
}

static int bind(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		struct str *ret_why)
{
	field_fn *fn = rows[ref->def->id].fn;

	ref->type = ref->def->type;
	ref->list = ref->def->flags & FIELD_LIST;
	ref->match = is_pair(fn) ? MATCH_PAIR : MATCH_ONE;
	ref->index = -1;
	ref->aux = 0;
	if (!ref->has_arg) {
		if (is_ancestors(fn))
			ref->match = MATCH_ANCESTORS;
		if (!(ref->def->arg & ARG_REQUIRED))
			return 0;
		*ret_why = ref->def->arg & ARG_NAME ? STR("a name behind the field, after a dot")
						    : STR("an argument in brackets");
		return -EINVAL;
	}
	if (!ref->def->arg) {
		*ret_why = STR("no argument");
		return -EINVAL;
	}
	if (ref->def->arg & ARG_INDEX && bind_index(ref, ret_why) < 0)
		return -EINVAL;
	if (fn == x_evt_arg || fn == x_evt_rawarg)
		return bind_event_arg(ref, fn, a, ret_why);
	if (fn == x_evt_type_is)
		return bind_event_name(ref, ret_why);
	if (fn == x_static)
		return bind_static(ref);
	if (fn == x_evt_abspath && !str_eqz(ref->arg, "src") && !str_eqz(ref->arg, "dst")) {
		*ret_why = STR(".src or .dst");
		return -EINVAL;
	}
	return 0;
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret_value)
{
	const struct fields_event *fe = event;
	struct fx x = {
		.fe = fe,
		.ev = fe->ev,
		.proc = fe->ev->proc,
		.ref = ref,
		.resolved = resolved,
		.arena = a,
	};

	if (ref->def == &arg_def)
		return x_evt_arg(&x, ret_value);
	if (ref->def >= rawarg_defs && ref->def < rawarg_defs + ARRAY_SIZE(rawarg_defs))
		return x_evt_rawarg(&x, ret_value);
	x.which = rows[ref->def->id].which;
	return rows[ref->def->id].fn(&x, ret_value);
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret_codes)
{
	return event_codes_named(name, ret_codes);
}

static void offer_events(struct suggest *near)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	for (size_t i = 0; i < n; i++)
		suggest_offer(near, str_of(calls[i].type));
	for (unsigned code = 0; code < EV_FALCO_CODES; code++)
		if (event_info(code) && event_info(code)->name)
			suggest_offer(near, str_of(event_info(code)->name));
}

const struct catalogue *fields_catalogue(void)
{
	static const struct catalogue catalogue = {
		.fields = defs,
		.nfields = ARRAY_SIZE(defs),
		.bind = bind,
		.extract = extract,
		.nevents = EV_FALCO_CODES,
		.events_named = events_named,
		.offer_events = offer_events,
	};
	return &catalogue;
}

enum value_type fx_raw_type(unsigned param_type)
{
	return raw_type((enum param_type)param_type);
}

struct strbuf fx_buf(const struct fx *x, size_t cap)
{
	char *room = arena_alloc(x->arena, cap + 1);

	return (struct strbuf){
		.ptr = room, .cap = room ? cap + 1 : 0, .limit = cap + 1, .failed = !room
	};
}

bool fx_take(const struct strbuf *b, struct value *ret)
{
	if (b->failed)
		return false;
	ret->s = strbuf_str(b);
	return true;
}
