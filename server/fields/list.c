/* SPDX-License-Identifier: Apache-2.0 */
/* Listings of fields and events; each has a text, a Markdown and a JSON form over the same rows. */
#include "fields/list.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "event/event.h"

enum { NAME_COLUMN = 30, LINE = 120 };

static const struct list_class {
	const char *name;
	const char *desc;
	const char *source;
} classes[] = {
	{ "evt", "The event itself: name, time, outcome and parameters.", "syscall" },
	{ "process", "The process that did it, its threads and its ancestors.", "syscall" },
	{ "user", "The user the process runs as.", "syscall" },
	{ "group", "The group the process runs as.", "syscall" },
	{ "container", "The container and pod the process is in.", "syscall" },
	{ "fd", "The file, socket or other descriptor the event is about.", "syscall" },
	{ "fs.path", "Paths that calls of the file system work on.", "syscall" },
	{ "fdlist", "The descriptors a poll call waits for.", "syscall" },
	{ "k8smeta", "What the cluster knows of the pod.", "syscall" },
	{ "util", "Helpers.", "syscall" },
};

const char *list_type_name(enum value_type t)
{
	static const char *const names[VT_TYPES] = {
		[VT_NONE] = "DYN",	  [VT_BOOL] = "BOOL",	   [VT_INT8] = "INT8",
		[VT_INT16] = "INT16",	  [VT_INT32] = "INT32",	   [VT_INT64] = "INT64",
		[VT_UINT8] = "UINT8",	  [VT_UINT16] = "UINT16",  [VT_UINT32] = "UINT32",
		[VT_UINT64] = "UINT64",	  [VT_DOUBLE] = "DOUBLE",  [VT_RELTIME] = "RELTIME",
		[VT_ABSTIME] = "ABSTIME", [VT_PORT] = "PORT",	   [VT_IPADDR] = "IPADDR",
		[VT_IPNET] = "IPNET",	  [VT_STRING] = "CHARBUF", [VT_BYTES] = "BYTEBUF",
	};
	return t < VT_TYPES && names[t] ? names[t] : "DYN";
}

/* Words about a field, in the order in which they are printed. */
static const struct {
	uint32_t flag; /* of flags, or of arg when that is set */
	uint32_t arg;
	const char *text;
	const char *key;
} tags[] = {
	{ 0, ARG_REQUIRED, "ARGUMENT REQUIRED", "argument_required" },
	{ FIELD_LIST, 0, "LIST", "list" },
	{ FIELD_FILTER_ONLY, 0, "FILTER ONLY", "filter_only" },
	{ FIELD_PRINT_ONLY, 0, "OUTPUT ONLY", "output_only" },
	{ FIELD_DEPRECATED, 0, "DEPRECATED", "deprecated" },
};

static bool has_tag(const struct field_def *f, size_t i)
{
	return f->flags & tags[i].flag || f->arg & tags[i].arg;
}

static void add_tags(const struct field_def *f, struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (has_tag(f, i))
			strbuf_printf(out, "(%s) ", tags[i].text);
}

static void pad_to(struct strbuf *out, size_t start, size_t column)
{
	do
		strbuf_addc(out, ' ');
	while (out->len - start < column && !out->failed);
}

static bool is_listed(const struct field_def *f, const struct list_class *cl,
		      const struct list_options *o)
{
	if (f->flags & FIELD_INTERNAL || (o->names && f->flags & FIELD_DEPRECATED))
		return false;
	return str_eqz(str_of(f->cls), cl->name);
}

static void text_field(const struct field_def *f, const struct list_options *o, struct strbuf *out)
{
	_cleanup_(strbuf_done) struct strbuf words = { 0 };

	if (o->types)
		strbuf_printf(&words, "(Type: %s%s%s) ", f->flags & FIELD_LIST ? "LIST(" : "",
			      list_type_name(f->type), f->flags & FIELD_LIST ? ")" : "");
	add_tags(f, &words);
	strbuf_addz(&words, f->desc);
	size_t start = out->len;

	strbuf_addz(out, f->name);
	if (out->len - start >= NAME_COLUMN) {
		strbuf_addc(out, '\n');
		start = out->len;
	}
	pad_to(out, start, NAME_COLUMN);
	strbuf_add_wrapped(out, strbuf_str(&words), NAME_COLUMN, LINE);
	strbuf_addc(out, '\n');
}

static void text_label(struct strbuf *out, const char *label, const char *value)
{
	size_t start = out->len;

	strbuf_addz(out, label);
	pad_to(out, start, NAME_COLUMN);
	strbuf_addz(out, value);
	strbuf_addc(out, '\n');
}

static void text_class(const struct list_class *cl, struct strbuf *out)
{
	strbuf_addz(out, "-------------------------------\n");
	text_label(out, "Field Class:", cl->name);
	text_label(out, "Description:", cl->desc);
	text_label(out, "Event Sources:", cl->source);
	strbuf_addc(out, '\n');
}

static void markdown_text(struct str s, struct strbuf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		if (memchr("|<>*_\\", s.ptr[i], 6))
			strbuf_addc(out, '\\');
		strbuf_addc(out, s.ptr[i]);
	}
}

static void markdown_class(const struct list_class *cl, struct strbuf *out)
{
	strbuf_printf(out, "## Field Class: %s\n\n%s\n\nEvent Sources: %s\n\n", cl->name, cl->desc,
		      cl->source);
	strbuf_addz(out, "Name | Type | Description\n:----|:-----|:------------\n");
}

static void markdown_field(const struct field_def *f, struct strbuf *out)
{
	strbuf_printf(out, "`%s` | %s%s%s | ", f->name, f->flags & FIELD_LIST ? "LIST(" : "",
		      list_type_name(f->type), f->flags & FIELD_LIST ? ")" : "");
	add_tags(f, out);
	markdown_text(str_of(f->desc), out);
	strbuf_addc(out, '\n');
}

static void json_field(const struct field_def *f, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "name", str_of(f->name));
	json_key_text(j, "type", str_of(list_type_name(f->type)));
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		json_key(j, str_of(tags[i].key));
		json_bool(j, has_tag(f, i));
	}
	json_key_text(j, "description", str_of(f->desc));
	json_close(j, '}');
}

static void json_class(const struct list_class *cl, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "name", str_of(cl->name));
	json_key_text(j, "description", str_of(cl->desc));
	json_key_text(j, "source", str_of(cl->source));
	json_key(j, STR("fields"));
	json_open(j, '[');
}

static void one_class(const struct catalogue *c, const struct list_class *cl,
		      const struct list_options *o, struct json *j, struct strbuf *out)
{
	if (o->format == LIST_JSON)
		json_class(cl, j);
	else if (o->format == LIST_MARKDOWN)
		markdown_class(cl, out);
	else if (!o->names)
		text_class(cl, out);
	for (size_t i = 0; i < c->nfields; i++) {
		const struct field_def *f = &c->fields[i];

		if (!is_listed(f, cl, o))
			continue;
		if (o->format == LIST_JSON)
			json_field(f, j);
		else if (o->format == LIST_MARKDOWN)
			markdown_field(f, out);
		else if (o->names)
			strbuf_printf(out, "%s\n", f->name);
		else
			text_field(f, o, out);
	}
	if (o->format == LIST_JSON) {
		json_close(j, ']');
		json_close(j, '}');
	} else if (!o->names) {
		strbuf_addc(out, '\n');
	}
}

void list_fields(const struct catalogue *c, const struct list_options *o, struct strbuf *out)
{
	struct json j = json_to(out);

	if (o->format == LIST_JSON) {
		json_open(&j, '{');
		json_key(&j, STR("classes"));
		json_open(&j, '[');
	}
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (!o->source.ptr || str_eqz(o->source, classes[i].source))
			one_class(c, &classes[i], o, &j, out);
	if (o->format == LIST_JSON) {
		json_close(&j, ']');
		json_close(&j, '}');
		strbuf_addc(out, '\n');
	}
}

static const char *param_type_name(uint8_t t)
{
	static const char *const names[] = {
#define T(name) [PT_##name] = #name
		T(INT8),      T(INT16),	     T(INT32),	      T(INT64),
		T(UINT8),     T(UINT16),     T(UINT32),	      T(UINT64),
		T(CHARBUF),   T(BYTEBUF),    T(ERRNO),	      T(SOCKADDR),
		T(SOCKTUPLE), T(FD),	     T(PID),	      T(FDLIST),
		T(FSPATH),    T(SYSCALLID),  T(SIGTYPE),      T(RELTIME),
		T(ABSTIME),   T(PORT),	     T(BOOL),	      T(DOUBLE),
		T(UID),	      T(GID),	     T(FLAGS8),	      T(FLAGS16),
		T(FLAGS32),   T(ENUMFLAGS8), T(ENUMFLAGS16),  T(ENUMFLAGS32),
		T(MODE),      T(FSRELPATH),  T(DYN),	      T(SIGSET),
		T(IPV4ADDR),  T(IPV6ADDR),   T(CHARBUFARRAY), T(CHARBUF_PAIR_ARRAY),
#undef T
	};
	return t < ARRAY_SIZE(names) ? names[t] : "";
}

static const struct {
	const char *title;
	const char *key;
	enum event_kind kind;
} sections[] = {
	{ "Syscall events", "syscall", EVK_SYSCALL },
	{ "Tracepoint events", "tracepoint", EVK_TRACEPOINT },
	{ "Plugin events", "plugin", EVK_PLUGIN },
	{ "Metaevents", "meta", EVK_META },
};

/* Calls are told when they return; the other kinds sit on either direction. */
static bool is_visible(const struct event_info *e, enum event_kind kind)
{
	return e && e->kind == kind && e->state == EVS_CURRENT &&
	       (kind != EVK_SYSCALL || e->dir == EVD_EXIT);
}

/* Reads and writes are left out unless asked for. */
static bool is_default(const struct event_info *e)
{
	return e->category != EVC_IO_READ && e->category != EVC_IO_WRITE;
}

static void print_params(const struct event_info *e, struct strbuf *out)
{
	strbuf_addc(out, '(');
	for (unsigned i = 0; i < e->nparams; i++)
		strbuf_printf(out, "%s%s %s", i ? ", " : "", param_type_name(e->params[i].type),
			      e->params[i].name);
	strbuf_addc(out, ')');
}

static void json_event(const struct event_info *e, const char *kind, struct json *j)
{
	json_open(j, '{');
	json_key_text(j, "name", str_of(e->name));
	json_key_text(j, "kind", str_of(kind));
	json_key_text(j, "dir", e->dir == EVD_EXIT ? STR("<") : STR(">"));
	json_key(j, STR("params"));
	json_open(j, '[');
	for (unsigned i = 0; i < e->nparams; i++) {
		json_open(j, '{');
		json_key_text(j, "name", str_of(e->params[i].name));
		json_key_text(j, "type", str_of(param_type_name(e->params[i].type)));
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void one_section(size_t s, const struct list_options *o, struct json *j, struct strbuf *out)
{
	if (o->format != LIST_JSON)
		strbuf_printf(out, "## %s\n\n", sections[s].title);
	if (o->format == LIST_MARKDOWN)
		strbuf_addz(out, "Default | Dir | Name | Params\n:-------|:---|:-----|:-----\n");
	for (unsigned code = 0; code < EV_FALCO_CODES; code++) {
		const struct event_info *e = event_info(code);
		char dir = e && e->dir == EVD_ENTER ? '>' : '<';

		if (!is_visible(e, sections[s].kind))
			continue;
		if (o->format == LIST_JSON) {
			json_event(e, sections[s].key, j);
			continue;
		}
		if (o->format == LIST_MARKDOWN)
			strbuf_printf(out, "%s | `%c` | `%s` | ", is_default(e) ? "Yes" : "No", dir,
				      e->name);
		else
			strbuf_printf(out, "%c %s", dir, e->name);
		print_params(e, out);
		strbuf_addc(out, '\n');
	}
	if (o->format != LIST_JSON)
		strbuf_addc(out, '\n');
}

void list_events(const struct list_options *o, struct strbuf *out)
{
	struct json j = json_to(out);

	if (o->format == LIST_JSON) {
		json_open(&j, '{');
		json_key(&j, STR("events"));
		json_open(&j, '[');
	} else {
		strbuf_addz(
			out,
			"Events that rules can see, by the schema of engine version 0.63.0:\n\n");
	}
	for (size_t s = 0; s < ARRAY_SIZE(sections); s++)
		one_section(s, o, &j, out);
	if (o->format == LIST_JSON) {
		json_close(&j, ']');
		json_close(&j, '}');
		strbuf_addc(out, '\n');
	}
}
