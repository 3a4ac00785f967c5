/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set is walked by hand, because each file is handed out with the bytes it came with; its content is
 * unpacked once to learn the names in it and thrown away again.
 */
#include "rpc/descriptors.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "google/protobuf/descriptor.pb-c.h"

enum {
	DESCRIPTORS_BYTES = 4 << 20, /* of the index; ours take some hundred KiB */
	DESCRIPTORS_FILES = 64,
	DESCRIPTORS_DEPTH = 16,
	SET_FILE_TAG = 1 << 3 | 2, /* field 1, bytes */
};

struct symbol {
	const struct descriptor_file *file;
	bool message;
};

struct descriptors {
	struct arena arena;
	struct strmap symbols;
	struct descriptor_file files[DESCRIPTORS_FILES];
	size_t n;
};

struct reader { /* what of a file is being read */
	struct descriptors *d;
	const struct descriptor_file *file;
};

typedef Google__Protobuf__DescriptorProto message_type;
typedef Google__Protobuf__EnumDescriptorProto enum_type;

/* *ret_full is scope.name. */
static int add(struct reader *r, struct str scope, const char *name, bool message,
	       struct str *ret_full)
{
	struct symbol *s = arena_alloc(&r->d->arena, sizeof(*s));
	struct str full = arena_printf(&r->d->arena, STR_FMT "%s%s", STR_ARG(scope),
				       scope.len ? "." : "", name ? name : "");

	if (!s || !full.ptr)
		return -ENOMEM;
	*s = (struct symbol){ .file = r->file, .message = message };
	*ret_full = full;
	return strmap_put(&r->d->symbols, full, s);
}

/* The values of an enumeration are its siblings; tools ask for both forms. */
static int add_enum(struct reader *r, struct str scope, const enum_type *e)
{
	struct str full, value;
	int err = add(r, scope, e->name, false, &full);

	for (size_t i = 0; err == 0 && i < e->n_value; i++) {
		err = add(r, scope, e->value[i]->name, false, &value);
		if (err == 0)
			err = add(r, full, e->value[i]->name, false, &value);
	}
	return err;
}

static int add_message(struct reader *r, struct str scope, const message_type *m, int depth)
{
	struct str full, name;

	if (depth > DESCRIPTORS_DEPTH)
		return -EBADMSG;
	int err = add(r, scope, m->name, true, &full);
	for (size_t i = 0; err == 0 && i < m->n_field; i++)
		err = add(r, full, m->field[i]->name, false, &name);
	for (size_t i = 0; err == 0 && i < m->n_oneof_decl; i++)
		err = add(r, full, m->oneof_decl[i]->name, false, &name);
	for (size_t i = 0; err == 0 && i < m->n_enum_type; i++)
		err = add_enum(r, full, m->enum_type[i]);
	for (size_t i = 0; err == 0 && i < m->n_nested_type; i++)
		err = add_message(r, full, m->nested_type[i], depth + 1);
	return err;
}

static int add_service(struct reader *r, struct str scope,
		       const Google__Protobuf__ServiceDescriptorProto *s)
{
	struct str full, name;
	int err = add(r, scope, s->name, false, &full);

	for (size_t i = 0; err == 0 && i < s->n_method; i++)
		err = add(r, full, s->method[i]->name, false, &name);
	return err;
}

static int add_imports(struct descriptors *d, struct descriptor_file *file,
		       const Google__Protobuf__FileDescriptorProto *p)
{
	file->imports = arena_array(&d->arena, p->n_dependency + 1, sizeof(*file->imports));
	if (!file->imports)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_dependency; i++) {
		file->imports[i] = descriptors_by_name(d, str_of(p->dependency[i]));
		if (!file->imports[i])
			return -EBADMSG;
	}
	file->imports[p->n_dependency] = NULL;
	return 0;
}

static int add_content(struct descriptors *d, struct descriptor_file *file,
		       const Google__Protobuf__FileDescriptorProto *p)
{
	struct reader r = { d, file };
	struct str scope = str_of(p->package ? p->package : "");

	file->name = arena_dup(&d->arena, str_of(p->name ? p->name : ""));
	int err = file->name.ptr ? add_imports(d, file, p) : -ENOMEM;
	for (size_t i = 0; err == 0 && i < p->n_message_type; i++)
		err = add_message(&r, scope, p->message_type[i], 0);
	for (size_t i = 0; err == 0 && i < p->n_enum_type; i++)
		err = add_enum(&r, scope, p->enum_type[i]);
	for (size_t i = 0; err == 0 && i < p->n_service; i++)
		err = add_service(&r, scope, p->service[i]);
	return err;
}

static int add_file(struct descriptors *d, struct str bytes)
{
	if (d->n == DESCRIPTORS_FILES)
		return -EBADMSG;
	struct descriptor_file *file = &d->files[d->n];
	Google__Protobuf__FileDescriptorProto *p = google__protobuf__file_descriptor_proto__unpack(
		NULL, bytes.len, (const uint8_t *)bytes.ptr);
	if (!p)
		return -EBADMSG;
	*file = (struct descriptor_file){ .bytes = bytes, .index = d->n };
	int err = add_content(d, file, p);
	google__protobuf__file_descriptor_proto__free_unpacked(p, NULL);
	if (err == 0)
		d->n++;
	return err;
}

static int take_length(struct str *s, size_t *ret)
{
	size_t v = 0;

	for (unsigned shift = 0; s->len && shift < 32; shift += 7) {
		unsigned char byte = (unsigned char)s->ptr[0];

		*s = str_skip(*s, 1);
		v |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return 0;
		}
	}
	return -EBADMSG;
}

int descriptors_new(struct str set, struct descriptors **ret)
{
	struct descriptors *d = calloc(1, sizeof(*d));
	int err = 0;

	if (!d)
		return -ENOMEM;
	arena_init(&d->arena, DESCRIPTORS_BYTES);
	while (set.len && err == 0) {
		size_t len = 0;
		bool file = set.ptr[0] == SET_FILE_TAG;

		set = str_skip(set, 1);
		err = file ? take_length(&set, &len) : -EBADMSG;
		if (err == 0)
			err = len <= set.len ? add_file(d, str_cut(set, len)) : -EBADMSG;
		set = str_skip(set, len);
	}
	if (err < 0) {
		descriptors_free(d);
		return err;
	}
	*ret = d;
	return 0;
}

struct descriptors *descriptors_free(struct descriptors *d)
{
	if (!d)
		return NULL;
	strmap_done(&d->symbols);
	arena_done(&d->arena);
	free(d);
	return NULL;
}

size_t descriptors_count(const struct descriptors *d)
{
	return d->n;
}

const struct descriptor_file *descriptors_by_name(const struct descriptors *d, struct str name)
{
	for (size_t i = 0; i < d->n; i++)
		if (str_eq(d->files[i].name, name))
			return &d->files[i];
	return NULL;
}

const struct descriptor_file *descriptors_by_symbol(const struct descriptors *d, struct str symbol,
						    bool *ret_message)
{
	const struct symbol *s = strmap_find(&d->symbols, symbol);

	if (!s)
		return NULL;
	*ret_message = s->message;
	return s->file;
}
