/* SPDX-License-Identifier: Apache-2.0 */
/* Columns are found by their headings; each field is a row, and its argument column says what may follow it. */
#include "table_catalogue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

enum { MAX_COLUMNS = 40, MAX_LINE = 16384 };

/* ---- CSV ---- */

struct csv {
	FILE *f;
	char line[MAX_LINE];
	char *columns[MAX_COLUMNS];
	char *headers[MAX_COLUMNS];
	char header_line[MAX_LINE];
};

static void split_line(char *line, char **columns)
{
	size_t n = 0;
	char *out = line;

	memset(columns, 0, MAX_COLUMNS * sizeof(*columns));
	columns[n++] = out;
	bool quoted = false;
	for (char *in = line; *in && *in != '\n' && *in != '\r'; in++) {
		if (*in == '"' && !(quoted && in[1] == '"')) {
			quoted = !quoted;
		} else if (*in == ',' && !quoted) {
			*out++ = '\0';
			if (n < MAX_COLUMNS)
				columns[n++] = out;
		} else {
			if (*in == '"')
				in++;
			*out++ = *in;
		}
	}
	*out = '\0';
}

static bool csv_open(struct csv *csv, const char *directory, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	csv->f = fopen(path, "re");
	if (!csv->f || !fgets(csv->header_line, sizeof(csv->header_line), csv->f))
		return false;
	split_line(csv->header_line, csv->headers);
	return true;
}

static bool csv_next(struct csv *csv)
{
	if (!fgets(csv->line, sizeof(csv->line), csv->f))
		return false;
	/* The lexer above moves text left in place, so the terminators have to come last. */
	split_line(csv->line, csv->columns);
	return true;
}

static const char *csv_get(const struct csv *csv, const char *header)
{
	for (size_t i = 0; i < MAX_COLUMNS && csv->headers[i]; i++) {
		if (strcmp(csv->headers[i], header) == 0)
			return csv->columns[i] ? csv->columns[i] : "";
	}
	return "";
}

static bool csv_true(const struct csv *csv, const char *header)
{
	return strcmp(csv_get(csv, header), "1") == 0;
}

/* ---- types ---- */

static enum value_type type_of(const char *name)
{
	static const struct {
		const char *name;
		enum value_type type;
	} rows[] = {
		{ "BOOL", VT_BOOL },	      { "INT8", VT_INT8 },
		{ "INT16", VT_INT16 },	      { "INT32", VT_INT32 },
		{ "INT64", VT_INT64 },	      { "UINT8", VT_UINT8 },
		{ "UINT16", VT_UINT16 },      { "UINT32", VT_UINT32 },
		{ "UINT64", VT_UINT64 },      { "DOUBLE", VT_DOUBLE },
		{ "RELTIME", VT_RELTIME },    { "ABSTIME", VT_ABSTIME },
		{ "PORT", VT_PORT },	      { "IPADDR", VT_IPADDR },
		{ "IPNET", VT_IPNET },	      { "CHARBUF", VT_STRING },
		{ "FSPATH", VT_STRING },      { "FSRELPATH", VT_STRING },
		{ "BYTEBUF", VT_BYTES },      { "FD", VT_INT64 },
		{ "ERRNO", VT_INT64 },	      { "PID", VT_INT64 },
		{ "FLAGS8", VT_UINT8 },	      { "FLAGS16", VT_UINT16 },
		{ "FLAGS32", VT_UINT32 },     { "ENUMFLAGS8", VT_UINT8 },
		{ "ENUMFLAGS16", VT_UINT16 }, { "ENUMFLAGS32", VT_UINT32 },
		{ "MODE", VT_UINT32 },	      { "UID", VT_UINT32 },
		{ "GID", VT_UINT32 },	      { "SIGTYPE", VT_UINT8 },
		{ "SYSCALLID", VT_UINT16 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(name, rows[i].name) == 0)
			return rows[i].type;
	}
	return VT_BYTES;
}

static uint8_t arg_of(const char *kind)
{
	uint8_t arg = 0;

	if (strcmp(kind, "none") == 0)
		return 0;
	if (str_starts(str_of(kind), STR("required")))
		arg |= ARG_REQUIRED;
	if (strstr(kind, ":."))
		arg |= ARG_NAME;
	if (strstr(kind, "index") || strstr(kind, "timestamp"))
		arg |= ARG_INDEX;
	if (strstr(kind, "key") || strstr(kind, ":name") || strstr(kind, "|name"))
		arg |= ARG_KEY;
	return arg;
}

static uint32_t flags_of(const struct csv *csv, const char *name)
{
	uint32_t flags = 0;

	flags |= csv_true(csv, "list") ? FIELD_LIST : 0;
	flags |= csv_true(csv, "filter_only") ? FIELD_FILTER_ONLY : 0;
	flags |= csv_true(csv, "print_only") ? FIELD_PRINT_ONLY : 0;
	flags |= csv_true(csv, "internal") ? FIELD_INTERNAL : 0;
	flags |= csv_true(csv, "no_rhs") ? FIELD_NO_RHS : 0;
	flags |= csv_true(csv, "no_transformer") ? FIELD_NO_TRANSFORMER : 0;
	if (strcmp(name, "evt.type") == 0 || strcmp(name, "syscall.type") == 0)
		flags |= FIELD_EVT_TYPE;
	if (strcmp(name, "evt.num") == 0)
		flags |= FIELD_EVT_NUM;
	if (strcmp(name, "evt.dir") == 0)
		flags |= FIELD_EVT_DIR;
	return flags;
}

/* ---- the catalogue's functions ---- */

static const struct table_catalogue *table_of(const struct catalogue *c)
{
	return c->ctx;
}

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0)
			return true;
	}
	return false;
}

static const char *param_type(const struct table_catalogue *t, struct str name)
{
	return json_string_value(json_object_getn(t->params, name.ptr, name.len));
}

static int bind_field(const struct catalogue *c, struct field_ref *ref, struct arena *a,
		      struct str *ret_why)
{
	static const char *const ancestors[] = {
		"proc.aname", "proc.aexe", "proc.aexepath", "proc.acmdline", "proc.apid",
		"proc.aenv",  NULL
	};
	static const char *const pairs[] = { "fd.ip", "fd.port", "fd.net", "fd.proto", NULL };
	const char *name = ref->def->name;

	if (!ref->has_arg && one_of(name, ancestors))
		ref->match = MATCH_ANCESTORS;
	if (one_of(name, pairs))
		ref->match = MATCH_PAIR;
	if (strcmp(name, "fd.types") == 0 && ref->has_arg)
		ref->list = false;
	bool parameter = strcmp(name, "evt.arg") == 0 && ref->index < 0;
	bool raw = strcmp(name, "evt.rawarg") == 0;

	if ((parameter || raw) && !param_type(table_of(c), ref->arg)) {
		*ret_why = STR("expected the name of an event parameter");
		return -EINVAL;
	}
	if (raw)
		ref->type = type_of(param_type(table_of(c), ref->arg));
	if (strcmp(name, "evt.type.is") == 0 &&
	    !json_object_getn(table_of(c)->events, ref->arg.ptr, ref->arg.len)) {
		*ret_why = STR("expected an event");
		return -EINVAL;
	}
	return 0;
}

static bool events_named(const struct catalogue *c, struct str name, struct bitset *ret)
{
	json_t *codes = json_object_getn(table_of(c)->events, name.ptr ? name.ptr : "", name.len);
	json_t *code;
	size_t i;

	json_array_foreach(codes, i, code) bitset_add(ret, (size_t)json_integer_value(code));
	return codes != NULL;
}

struct str latin_text(const json_t *text, struct arena *a)
{
	const unsigned char *in = (const unsigned char *)json_string_value(text);
	size_t len = json_string_length(text), n = 0;
	char *out = arena_alloc(a, len + 1);

	for (size_t i = 0; out && i < len; i++) {
		if ((in[i] & 0xfc) == 0xc0 && i + 1 < len) {
			out[n++] = (char)((in[i] & 3) << 6 | (in[i + 1] & 0x3f));
			i++;
		} else {
			out[n++] = (char)in[i];
		}
	}
	return (struct str){ out, n };
}

static void read_ip(const char *text, struct ip_addr *ret)
{
	char host[64];
	size_t skip = text[0] == '[' ? 1 : 0;
	size_t len = skip ? strcspn(text, "]") - 1 : strcspn(text, ":");

	snprintf(host, sizeof(host), "%.*s", (int)len, text + skip);
	*ret = (struct ip_addr){ .family = skip ? 6 : 4 };
	inet_pton(skip ? AF_INET6 : AF_INET, host, ret->bytes);
}

/* Fields of a socket from {"client": "ip:port", "server": ...}. */
static bool extract_socket(const json_t *fd, const struct field_ref *ref, struct arena *a,
			   struct value *ret)
{
	const char *client = json_string_value(json_object_get(fd, "client"));
	const char *server = json_string_value(json_object_get(fd, "server"));
	bool local_client = json_is_true(json_object_get(fd, "client_addr_is_local"));
	struct value *both = arena_array(a, 2, sizeof(*both));

	if (!client || !server || !both)
		return false;
	read_ip(client, &both[0].ip);
	read_ip(server, &both[1].ip);
	if (ref->match == MATCH_PAIR) {
		ret->list.items = both;
		ret->list.n = 2;
		return true;
	}
	switch (ref->def->name[3]) {
	case 'c': *ret = both[0]; return true;
	case 's': *ret = both[1]; return true;
	case 'l': *ret = both[local_client ? 0 : 1]; return true;
	case 'r': *ret = both[local_client ? 1 : 0]; return true;
	default: return false;
	}
}

static bool read_value(const json_t *json, enum value_type type, struct arena *a, struct value *ret)
{
	if (!json || json_is_null(json))
		return false;
	switch (type) {
	case VT_STRING:
	case VT_BYTES: ret->s = latin_text(json, a); return true;
	case VT_BOOL: ret->b = json_is_true(json); return true;
	case VT_DOUBLE: ret->d = json_number_value(json); return true;
	case VT_UINT8: ret->u = (uint8_t)json_integer_value(json); return true;
	case VT_UINT16: ret->u = (uint16_t)json_integer_value(json); return true;
	case VT_UINT32: ret->u = (uint32_t)json_integer_value(json); return true;
	default: ret->i = json_integer_value(json); return true;
	}
}

static bool read_list(const json_t *json, enum value_type type, struct arena *a, struct value *ret)
{
	struct value *items = arena_array(a, json_array_size(json) + 1, sizeof(*items));

	if (!json || !items)
		return false;
	for (size_t i = 0; i < json_array_size(json); i++)
		read_value(json_array_get(json, i), type, a, &items[i]);
	ret->list.items = items;
	ret->list.n = (uint32_t)json_array_size(json);
	return true;
}

static const json_t *find_value(const json_t *env, const struct field_ref *ref)
{
	char key[256];
	const json_t *found;

	if (!ref->has_arg)
		return json_object_get(env, ref->def->name);
	snprintf(key, sizeof(key), "%s." STR_FMT, ref->def->name, STR_ARG(ref->arg));
	found = json_object_get(env, key);
	if (found)
		return found;
	snprintf(key, sizeof(key), "%s[" STR_FMT "]", ref->def->name, STR_ARG(ref->arg));
	return json_object_get(env, key);
}

static bool extract(const struct catalogue *c, void *event, const struct field_ref *ref,
		    bool resolved, struct arena *a, struct value *ret)
{
	const json_t *env = event;

	if (ref->type == VT_IPADDR || ref->type == VT_IPNET)
		return extract_socket(json_object_get(env, "_fd"), ref, a, ret);
	if (ref->match == MATCH_ANCESTORS)
		return read_list(json_object_get(env, "_ancestors_parent_first"), ref->type, a,
				 ret);
	const json_t *json = find_value(env, ref);

	/* Artificial fields: always equal to 1, never equal to 1, or equal to one text. */
	if (json_is_object(json) && json_object_get(json, "true_iff_value_is"))
		json = json_object_get(json, "true_iff_value_is");
	else if (json_is_object(json)) {
		ret->s = json_is_true(json_object_get(json, "always")) ? STR("1") : STR("0");
		return true;
	}
	return ref->list ? read_list(json, ref->type, a, ret) : read_value(json, ref->type, a, ret);
}

/* ---- building ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct field_def *)a)->name, ((const struct field_def *)b)->name);
}

static const char *keep(struct table_catalogue *t, const char *text)
{
	return arena_dup(&t->arena, str_of(text)).ptr;
}

static void add_field(struct table_catalogue *t, struct field_def def)
{
	struct field_def *grown = realloc(t->fields, (t->c.nfields + 1) * sizeof(def));

	if (!grown)
		abort();
	t->fields = grown;
	def.name = keep(t, def.name);
	t->fields[t->c.nfields++] = def;
}

static void add_artificial(struct table_catalogue *t)
{
	static const struct field_def rows[] = {
		{ .name = "c.true", .type = VT_STRING },
		{ .name = "c.false", .type = VT_STRING },
		{ .name = "c.doublequote", .type = VT_STRING },
		{ .name = "c.singlequote", .type = VT_STRING },
		{ .name = "c.buffer", .type = VT_BYTES },
		{ .name = "sample.is_open", .type = VT_UINT64 },
		{ .name = "sample.proc_name", .type = VT_STRING },
		{ .name = "sample.tick", .type = VT_STRING },
		{ .name = "test.int64", .type = VT_INT64 },
		{ .name = "test.charbuf", .type = VT_STRING },
		{ .name = "test.bytebuf", .type = VT_BYTES },
		{ .name = "test.list", .type = VT_STRING, .flags = FIELD_LIST },
		{ .name = "test.another_list", .type = VT_STRING, .flags = FIELD_LIST },
		{ .name = "test.more_than_256", .type = VT_STRING },
		{ .name = "test.base64", .type = VT_STRING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_field(t, rows[i]);
}

static bool read_fields(struct table_catalogue *t, const char *directory)
{
	struct csv csv;

	if (!csv_open(&csv, directory, "fields.csv"))
		return false;
	while (csv_next(&csv)) {
		const char *name = csv_get(&csv, "field");
		const char *print = csv_get(&csv, "print_format");

		add_field(t,
			  (struct field_def){
				  .name = name,
				  .cls = "",
				  .desc = "",
				  .type = type_of(csv_get(&csv, "type")),
				  .flags = flags_of(&csv, name),
				  .arg = arg_of(csv_get(&csv, "arg")),
				  .print = strcmp(print, "HEX") == 0		 ? PRINT_HEX
					   : strcmp(print, "10_PADDED_DEC") == 0 ? PRINT_PADDED_DEC
										 : PRINT_PLAIN,
			  });
	}
	fclose(csv.f);
	add_artificial(t);
	qsort(t->fields, t->c.nfields, sizeof(t->fields[0]), by_name);
	t->c.fields = t->fields;
	return true;
}

static void read_params(struct table_catalogue *t, const char *params)
{
	struct str rest = str_of(params), one, name, type;

	while (str_split(&rest, ' ', &one)) {
		if (!str_split(&one, ':', &name) || !str_split(&one, ':', &type))
			continue;
		if (!json_object_getn(t->params, name.ptr, name.len))
			json_object_setn_new(t->params, name.ptr, name.len,
					     json_stringn(type.ptr, type.len));
	}
}

static void add_code(struct table_catalogue *t, const char *name, int code)
{
	json_t *codes = json_object_get(t->events, name);

	if (!codes) {
		codes = json_array();
		json_object_set_new(t->events, name, codes);
	}
	json_array_append_new(codes, json_integer(code));
}

static bool read_events(struct table_catalogue *t, const char *directory)
{
	struct csv csv;

	if (!csv_open(&csv, directory, "events.csv"))
		return false;
	while (csv_next(&csv)) {
		int64_t code;

		if (str_to_i64(str_of(csv_get(&csv, "code")), &code) < 0)
			continue;
		add_code(t, csv_get(&csv, "evt_type"), (int)code);
		read_params(t, csv_get(&csv, "params"));
		if ((size_t)code >= t->c.nevents)
			t->c.nevents = (size_t)code + 1;
	}
	fclose(csv.f);
	return true;
}

/* Names without an event of their own stand for the generic one. */
static bool read_syscalls(struct table_catalogue *t, const char *directory)
{
	static const char *const columns[] = { "syscall", "evt_type_when_matching" };
	struct csv csv;

	if (!csv_open(&csv, directory, "syscalls.csv"))
		return false;
	while (csv_next(&csv)) {
		for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
			const char *name = csv_get(&csv, columns[i]);

			if (json_object_get(t->events, name))
				continue;
			add_code(t, name, 0);
			add_code(t, name, 1);
		}
	}
	fclose(csv.f);
	return true;
}

bool table_catalogue_init(struct table_catalogue *t, const char *directory)
{
	*t = (struct table_catalogue){ .params = json_object(), .events = json_object() };
	t->c.bind = bind_field;
	t->c.extract = extract;
	t->c.events_named = events_named;
	t->c.ctx = t;
	return read_fields(t, directory) && read_events(t, directory) &&
	       read_syscalls(t, directory);
}

void table_catalogue_done(struct table_catalogue *t)
{
	json_decref(t->params);
	json_decref(t->events);
	free(t->fields);
	arena_done(&t->arena);
}
