/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRI v1. The parts the interface itself does not tell (privileged, user, the pod's id) are in the verbose
 * JSON, whose form is the runtime's own; containerd's and CRI-O's are known here.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "cri/runtime.pb-c.h"
#include "link/pack.h"
#include "runtime/answer.h"
#include "runtime/pairs.h"

enum { FRAME = 5 }; /* gRPC: a byte "compressed", the length in four */

/* ---- writing ---- */

void answer_frame(const ProtobufCMessage *m, struct strbuf *out)
{
	size_t n = protobuf_c_message_get_packed_size(m);

	for (unsigned i = 0; i < FRAME; i++)
		strbuf_addc(out, (char)(i ? n >> (8 * (FRAME - 1 - i)) : 0));
	(void)pack_message(m, out); /* out keeps the fault */
}

void cri_write_status(struct str id, struct strbuf *out)
{
	Runtime__V1__ContainerStatusRequest m = RUNTIME__V1__CONTAINER_STATUS_REQUEST__INIT;
	_cleanup_(freep) char *z = str_dupz(id);

	m.container_id = z ? z : "";
	m.verbose = true;
	answer_frame(&m.base, out);
}

void cri_write_sandbox(struct str id, struct strbuf *out)
{
	Runtime__V1__PodSandboxStatusRequest m = RUNTIME__V1__POD_SANDBOX_STATUS_REQUEST__INIT;
	_cleanup_(freep) char *z = str_dupz(id);

	m.pod_sandbox_id = z ? z : "";
	m.verbose = true;
	answer_frame(&m.base, out);
}

void cri_write_version(struct strbuf *out)
{
	Runtime__V1__VersionRequest m = RUNTIME__V1__VERSION_REQUEST__INIT;

	answer_frame(&m.base, out);
}

void cri_write_events(struct strbuf *out)
{
	Runtime__V1__GetEventsRequest m = RUNTIME__V1__GET_EVENTS_REQUEST__INIT;

	answer_frame(&m.base, out);
}

/* ---- reading ---- */

bool cri_next_message(struct str *s, struct str *ret_message, int *ret_r)
{
	*ret_r = 0;
	if (s->len < FRAME)
		return false;
	const uint8_t *p = (const uint8_t *)s->ptr;
	size_t len = (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];

	if (p[0] != 0 || len > LIMIT_RUNTIME_ANSWER) {
		*ret_r = -EBADMSG;
		return false;
	}
	if (s->len - FRAME < len)
		return false;
	*ret_message = (struct str){ s->ptr + FRAME, len };
	*s = str_skip(*s, FRAME + len);
	return true;
}

int cri_read_version(struct str message, struct arena *a, struct str *ret_name)
{
	Runtime__V1__VersionResponse *m = runtime__v1__version_response__unpack(
		NULL, message.len, (const uint8_t *)message.ptr);

	if (!m)
		return -EBADMSG;
	*ret_name = answer_keep(m->runtime_name, a);
	runtime__v1__version_response__free_unpacked(m, NULL);
	return ret_name->ptr ? 0 : -ENOMEM;
}

/*
 * An image may have several names, of which the status tells one, and a node that was told an id. What was asked
 * for comes first, wherever it is said.
 */
static void take_image(const Runtime__V1__ContainerStatus *s, const json_t *verbose,
		       struct arena *a, struct info *in)
{
	static const char *const names[] = { "io.kubernetes.cri.image-name",
					     "io.kubernetes.cri-o.ImageName",
					     "io.kubernetes.cri-o.Image" };
	const json_t *asked = json_object_get(json_object_get(verbose, "config"), "image");
	struct str repository, tag, digest, ref = answer_keep(s->image_ref, a);
	const char *candidates[ARRAY_SIZE(names) + 5] = {
		s->image ? s->image->user_specified_image : NULL,
		json_string_value(json_object_get(asked, "user_specified_image")),
		json_string_value(json_object_get(asked, "image")),
		s->image ? s->image->image : NULL,
		s->image_ref,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		candidates[5 + i] = PAIR_VALUE(s->annotations, s->n_annotations, names[i]);
	in->image = ref;
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++) {
		struct str name = str_of(candidates[i] ? candidates[i] : "");

		/* A name with a tag, if there is any; else the first that is a name at all. */
		info_split_image(name, &repository, &tag, &digest);
		if (!name.len || answer_is_digest(name) ||
		    (!tag.len && !answer_is_digest(in->image)))
			continue;
		in->image = answer_keep(candidates[i], a);
		if (tag.len)
			break;
	}
	info_split_image(ref, &repository, &tag, &digest);
	if (answer_is_digest(ref))
		in->image_id = str_starts(ref, STR("sha256:")) ? str_skip(ref, 7) : ref;
	else if (digest.len)
		in->digest = digest;
}

static int take_mounts(const Runtime__V1__ContainerStatus *s, struct arena *a, struct info *in)
{
	in->mounts = arena_array(a, s->n_mounts + 1, sizeof(*in->mounts));
	if (!in->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_mounts && in->nmounts < INFO_MOUNTS_MAX; i++) {
		const Runtime__V1__Mount *m = s->mounts[i];

		in->mounts[in->nmounts++] = (struct info_mount){
			.source = answer_keep(m->host_path, a),
			.dest = answer_keep(m->container_path, a),
			.mode = STR(""),
			.propagation = answer_propagation((unsigned)m->propagation),
			.rdwr = !m->readonly,
		};
	}
	return 0;
}

/* The verbose part: of containerd, and of CRI-O. */
static void take_verbose(const json_t *root, struct arena *a, struct info *in)
{
	const json_t *config = json_object_get(root, "config");
	const json_t *security = json_object_get(json_object_get(config, "linux"),
						 "security_context");
	const json_t *privileged = json_object_get(security, "privileged");
	const json_t *spec = json_object_get(root, "runtimeSpec");
	const json_t *uid =
		json_object_get(json_object_get(json_object_get(spec, "process"), "user"), "uid");

	in->sandbox_id = answer_text(root, "sandboxID", a);
	if (!json_is_boolean(privileged))
		privileged = json_object_get(root, "privileged");
	if (json_is_boolean(privileged))
		in->privileged = json_is_true(privileged) ? INFO_YES : INFO_NO;
	else if (config)
		in->privileged = INFO_NO; /* false is left out */
	if (json_is_integer(uid))
		in->user = arena_printf(a, "%lld", (long long)json_integer_value(uid));
}

static int take_status(const Runtime__V1__ContainerStatusResponse *m, const struct answer_limits *l,
		       struct arena *a, struct info *in)
{
	const Runtime__V1__ContainerStatus *s = m->status;
	const char *text = PAIR_VALUE(m->info, m->n_info, "info");
	_cleanup_(json_freep) json_t *verbose = text ? answer_parse(str_of(text)) : NULL;

	in->full_id = answer_keep(s->id, a);
	in->name = answer_keep(s->metadata ? s->metadata->name : NULL, a);
	take_image(s, verbose, a, in);
	take_verbose(verbose, a, in);
	int r = PAIRS(s->labels, s->n_labels, l, a, &in->labels, &in->nlabels);

	return r == 0 ? take_mounts(s, a, in) : r;
}

int cri_read_status(struct str message, const struct answer_limits *l, struct arena *a,
		    struct info *ret)
{
	Runtime__V1__ContainerStatusResponse *m = runtime__v1__container_status_response__unpack(
		NULL, message.len, (const uint8_t *)message.ptr);
	struct info in = { 0 };

	if (!m || !m->status || !m->status->id[0]) {
		runtime__v1__container_status_response__free_unpacked(m, NULL);
		return -EBADMSG;
	}
	int r = take_status(m, l, a, &in);

	runtime__v1__container_status_response__free_unpacked(m, NULL);
	if (r < 0)
		return r;
	info_take_pod_labels(&in);
	*ret = in;
	return 0;
}

static void take_namespaces(const Runtime__V1__PodSandboxStatus *s, struct info *in)
{
	if (!s->linux_status || !s->linux_status->namespaces ||
	    !s->linux_status->namespaces->options)
		return;
	const Runtime__V1__NamespaceOption *o = s->linux_status->namespaces->options;

	in->host_network = o->network == RUNTIME__V1__NAMESPACE_MODE__NODE ? INFO_YES : INFO_NO;
	in->host_pid = o->pid == RUNTIME__V1__NAMESPACE_MODE__NODE ? INFO_YES : INFO_NO;
	in->host_ipc = o->ipc == RUNTIME__V1__NAMESPACE_MODE__NODE ? INFO_YES : INFO_NO;
}

static void take_cni(const char *text, struct arena *a, struct info *in)
{
	_cleanup_(json_freep) json_t *root = text ? answer_parse(str_of(text)) : NULL;
	const json_t *cni = json_object_get(root, "cniResult");
	_cleanup_(freep) char *dump = json_is_object(cni) ? json_dumps(cni, JSON_COMPACT) : NULL;

	if (dump && strlen(dump) <= INFO_TEXT_MAX)
		in->cni_json = answer_keep(dump, a);
}

static int take_sandbox(const Runtime__V1__PodSandboxStatusResponse *m,
			const struct answer_limits *l, bool alone, struct arena *a, struct info *in)
{
	const Runtime__V1__PodSandboxStatus *s = m->status;

	in->sandbox_id = answer_keep(s->id, a);
	if (s->metadata) {
		in->pod_name = answer_keep(s->metadata->name, a);
		in->ns_name = answer_keep(s->metadata->namespace_, a);
		in->pod_uid = answer_keep(s->metadata->uid, a);
	}
	in->ip = answer_keep(s->network ? s->network->ip : NULL, a);
	take_namespaces(s, in);
	take_cni(PAIR_VALUE(m->info, m->n_info, "info"), a, in);
	int r = PAIRS(s->labels, s->n_labels, l, a, &in->pod_labels, &in->npod_labels);

	if (r < 0)
		return r;
	struct info applied = *in;

	r = PAIRS(s->annotations, s->n_annotations, &(struct answer_limits){ 0 }, a,
		  &applied.pod_labels, &applied.npod_labels);
	answer_probes(&applied, a);
	in->probes[PROBE_LIVENESS] = applied.probes[PROBE_LIVENESS];
	in->probes[PROBE_READINESS] = applied.probes[PROBE_READINESS];
	if (!alone)
		return r;
	const char *image = PAIR_VALUE(s->annotations, s->n_annotations,
				       "io.kubernetes.cri-o.Image");

	in->sandbox = true;
	in->full_id = in->sandbox_id;
	in->name = in->pod_name.ptr ? in->pod_name : STR("");
	in->labels = in->pod_labels;
	in->nlabels = in->npod_labels;
	/* containerd tells the pause image in the verbose part only. */
	const char *text = PAIR_VALUE(m->info, m->n_info, "info");
	_cleanup_(json_freep) json_t *root = text ? answer_parse(str_of(text)) : NULL;

	in->image = image ? answer_keep(image, a) : answer_text(root, "image", a);
	if (!in->image.ptr)
		in->image = STR("");
	return r;
}

int cri_read_sandbox(struct str message, const struct answer_limits *l, bool alone, struct arena *a,
		     struct info *in)
{
	Runtime__V1__PodSandboxStatusResponse *m = runtime__v1__pod_sandbox_status_response__unpack(
		NULL, message.len, (const uint8_t *)message.ptr);
	int r = m && m->status && m->status->id[0] ? take_sandbox(m, l, alone, a, in) : -EBADMSG;

	runtime__v1__pod_sandbox_status_response__free_unpacked(m, NULL);
	return r;
}

bool cri_read_event(struct str message, struct arena *a, struct peer_news *ret)
{
	static const enum peer_event events[] = {
		[RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_CREATED_EVENT] = PEER_MADE,
		[RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_STARTED_EVENT] = PEER_STARTED,
		[RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_STOPPED_EVENT] = PEER_STOPPED,
		[RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_DELETED_EVENT] = PEER_GONE,
	};
	Runtime__V1__ContainerEventResponse *m = runtime__v1__container_event_response__unpack(
		NULL, message.len, (const uint8_t *)message.ptr);

	if (!m)
		return false;
	unsigned type = (unsigned)m->container_event_type;

	*ret = (struct peer_news){ .what = type < ARRAY_SIZE(events) ? events[type] : PEER_STOPPED,
				   .full_id = answer_keep(m->container_id, a) };
	runtime__v1__container_event_response__free_unpacked(m, NULL);
	return ret->what != PEER_STOPPED && ret->full_id.len;
}
