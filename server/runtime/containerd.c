/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containerd's own services, version 1, which all its releases have had. A container's description for its runtime
 * (the OCI specification, as JSON) says what CRI says in the verbose part; who made it says more by labels.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "containerd/api.pb-c.h"
#include "runtime/answer.h"
#include "runtime/pairs.h"

/* ---- requests ---- */

void containerd_write_subscribe(struct strbuf *out)
{
	static char *filters[] = { "topic==\"/containers/create\"", "topic==\"/containers/delete\"",
				   "topic==\"/tasks/start\"" };
	Containerd__V1__SubscribeRequest m = CONTAINERD__V1__SUBSCRIBE_REQUEST__INIT;

	m.filters = filters;
	m.n_filters = ARRAY_SIZE(filters);
	answer_frame(&m.base, out);
}

void containerd_write_get(struct str id, struct strbuf *out)
{
	Containerd__V1__GetContainerRequest m = CONTAINERD__V1__GET_CONTAINER_REQUEST__INIT;
	_cleanup_(freep) char *z = str_dupz(id);

	m.id = z ? z : "";
	answer_frame(&m.base, out);
}

/* ---- events ---- */

static struct str id_in(const ProtobufCBinaryData *event, struct arena *a)
{
	Containerd__V1__AboutContainer *m =
		containerd__v1__about_container__unpack(NULL, event->len, event->data);
	struct str id = answer_keep(m ? m->id : NULL, a);

	containerd__v1__about_container__free_unpacked(m, NULL);
	return id;
}

bool containerd_read_event(struct str message, struct arena *a, struct peer_news *ret)
{
	static const struct {
		const char *topic;
		enum peer_event what;
	} rows[] = {
		{ "/containers/create", PEER_MADE },
		{ "/tasks/start", PEER_STARTED },
		{ "/containers/delete", PEER_GONE },
	};
	Containerd__V1__Envelope *m =
		containerd__v1__envelope__unpack(NULL, message.len, (const uint8_t *)message.ptr);
	bool wanted = m && m->event && !str_eqz(str_of(m->namespace_), "moby");
	size_t row = 0;

	while (wanted && row < ARRAY_SIZE(rows) && !str_eqz(str_of(m->topic), rows[row].topic))
		row++;
	wanted = wanted && row < ARRAY_SIZE(rows);
	if (wanted)
		*ret = (struct peer_news){ .what = rows[row].what,
					   .full_id = id_in(&m->event->value, a),
					   .space = answer_keep(m->namespace_, a) };
	containerd__v1__envelope__free_unpacked(m, NULL);
	return wanted && ret->full_id.len;
}

/* ---- containers ---- */

static bool has_word(const json_t *list, const char *word)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s && str_eqz(str_of(s), word))
			return true;
	}
	return false;
}

static enum info_flag flag(bool b)
{
	return b ? INFO_YES : INFO_NO;
}

/* A namespace that is not made is the host's. */
static enum info_flag shares(const json_t *linux_part, const char *type)
{
	const json_t *list = json_object_get(linux_part, "namespaces");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_object_get(json_array_get(list, i), "type"));

		if (s && str_eqz(str_of(s), type))
			return INFO_NO;
	}
	return INFO_YES;
}

static struct str propagation_of(const json_t *options)
{
	static const char *const words[] = { "rprivate", "private", "rslave",
					     "slave",	 "rshared", "shared" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (has_word(options, words[i]))
			return str_of(words[i]);
	return STR("");
}

/* What the host gives; a container's own proc, sysfs and the like are no mounts of that kind. */
static int take_mounts(const json_t *list, struct arena *a, struct info *in)
{
	size_t n = json_array_size(list);

	in->mounts = arena_array(a, (n < INFO_MOUNTS_MAX ? n : INFO_MOUNTS_MAX) + 1,
				 sizeof(*in->mounts));
	if (!in->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < n && in->nmounts < INFO_MOUNTS_MAX; i++) {
		const json_t *m = json_array_get(list, i), *options = json_object_get(m, "options");
		const char *type = json_string_value(json_object_get(m, "type"));

		if (!(type && str_eqz(str_of(type), "bind")) && !has_word(options, "rbind") &&
		    !has_word(options, "bind"))
			continue;
		in->mounts[in->nmounts++] = (struct info_mount){
			.source = answer_text(m, "source", a),
			.dest = answer_text(m, "destination", a),
			.mode = STR(""),
			.propagation = propagation_of(options),
			.rdwr = !has_word(options, "ro"),
		};
	}
	return 0;
}

static int take_spec(const json_t *spec, struct arena *a, struct info *in)
{
	const json_t *process = json_object_get(spec, "process");
	const json_t *part = json_object_get(spec, "linux");
	const json_t *uid = json_object_get(json_object_get(process, "user"), "uid");
	const json_t *may = json_object_get(json_object_get(process, "capabilities"), "bounding");

	if (!json_is_object(spec))
		return 0;
	in->host_pid = shares(part, "pid");
	in->host_network = shares(part, "network");
	in->host_ipc = shares(part, "ipc");
	in->privileged = flag(has_word(may, "CAP_SYS_ADMIN") &&
			      !json_array_size(json_object_get(part, "maskedPaths")));
	in->user = json_is_integer(uid)
			   ? arena_printf(a, "%lld", (long long)json_integer_value(uid))
			   : STR("0");
	return take_mounts(json_object_get(spec, "mounts"), a, in);
}

/*
 * What CRI keeps of its own at a container, or at a pod's: the configuration that it was made from. NULL: it is not
 * CRI's.
 */
static json_t *cri_metadata(const Containerd__V1__Container *c)
{
	for (size_t i = 0; i < c->n_extensions; i++) {
		const Containerd__V1__Container__ExtensionsEntry *e = c->extensions[i];

		if (e->value && (str_eqz(str_of(e->key), "io.cri-containerd.container.metadata") ||
				 str_eqz(str_of(e->key), "io.cri-containerd.sandbox.metadata")))
			return answer_parse((struct str){ (const char *)e->value->value.data,
							  e->value->value.len });
	}
	return NULL;
}

static void take_cri_mounts(const json_t *list, struct arena *a, struct info *in)
{
	size_t n = json_array_size(list);
	struct info_mount *mounts = arena_array(a, (n < INFO_MOUNTS_MAX ? n : INFO_MOUNTS_MAX) + 1,
						sizeof(*mounts));

	for (size_t i = 0; mounts && i < n && i < INFO_MOUNTS_MAX; i++) {
		const json_t *m = json_array_get(list, i);

		mounts[i] = (struct info_mount){
			.source = answer_text(m, "host_path", a),
			.dest = answer_text(m, "container_path", a),
			.mode = STR(""),
			.propagation = answer_propagation(
				(unsigned)json_integer_value(json_object_get(m, "propagation"))),
			.rdwr = !json_is_true(json_object_get(m, "readonly")),
		};
	}
	in->mounts = mounts;
	in->nmounts = mounts ? (n < INFO_MOUNTS_MAX ? n : INFO_MOUNTS_MAX) : 0;
}

/* A part only: the pod's address and labels are not there. */
static void take_cri(const json_t *metadata, const json_t *spec, struct arena *a, struct info *in)
{
	const json_t *notes = json_object_get(spec, "annotations");
	const json_t *config = json_object_get(metadata, "Config");
	const json_t *image = json_object_get(config, "image");
	const json_t *security = json_object_get(json_object_get(config, "linux"),
						 "security_context");
	struct str candidates[] = { answer_text(image, "user_specified_image", a),
				    answer_text(image, "image", a),
				    answer_text(notes, "io.kubernetes.cri.image-name", a) };
	struct str name = answer_text(json_object_get(config, "metadata"), "name", a);

	in->partial = true;
	in->sandbox_id = answer_text(metadata, "SandboxID", a);
	in->sandbox = !in->sandbox_id.len;
	if (in->sandbox)
		in->sandbox_id = in->full_id;
	if (name.len)
		in->name = name;
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		if (!candidates[i].len || answer_is_digest(candidates[i]))
			continue;
		in->image = candidates[i];
		break;
	}
	in->privileged = flag(json_is_true(json_object_get(security, "privileged")));
	take_cri_mounts(json_object_get(config, "mounts"), a, in);
}

static int take_container(const Containerd__V1__Container *c, const struct answer_limits *l,
			  struct arena *a, struct info *in)
{
	const ProtobufCBinaryData *text = c->spec ? &c->spec->value : NULL;
	_cleanup_(json_freep) json_t *spec =
		text ? answer_parse((struct str){ (const char *)text->data, text->len }) : NULL;

	in->full_id = answer_keep(c->id, a);
	in->name = in->full_id;
	in->image = answer_keep(c->image, a);
	int r = PAIRS(c->labels, c->n_labels, l, a, &in->labels, &in->nlabels);

	if (r == 0)
		r = take_spec(spec, a, in);
	if (r < 0)
		return r;
	_cleanup_(json_freep) json_t *cri = cri_metadata(c);

	if (cri)
		take_cri(json_object_get(cri, "Metadata"), spec, a, in);
	info_take_pod_labels(in);
	return in->full_id.len ? 0 : -EBADMSG;
}

int containerd_read_container(struct str message, const struct answer_limits *l, struct arena *a,
			      struct info *ret)
{
	Containerd__V1__GetContainerResponse *m = containerd__v1__get_container_response__unpack(
		NULL, message.len, (const uint8_t *)message.ptr);
	struct info in = { 0 };
	int r = m && m->container ? take_container(m->container, l, a, &in) : -EBADMSG;

	containerd__v1__get_container_response__free_unpacked(m, NULL);
	if (r == 0)
		*ret = in;
	return r;
}
