/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of containers and pods. On the host they have no value, but for those that say "host"; of a container
 * they have none until a runtime has told. What is known to be empty is the empty text.
 */
#include <fnmatch.h>

#include "base/limits.h"
#include "fields/extract.h"

enum { SHORT_ID = 12 };

static const struct container *container_of(const struct fx *x)
{
	struct str id = container_of_event(x);

	return id.len && x->fe->state ? state_container(x->fe->state, id) : NULL;
}

/* NULL: not known. */
static const struct info *info_of(const struct fx *x)
{
	const struct container *c = container_of(x);

	return c && c->has_info ? &c->info : NULL;
}

bool x_container(const struct fx *x, struct value *ret)
{
	struct str id = container_of_event(x);
	const struct container *c = container_of(x);

	if (!id.len)
		return fx_text(STR("host"), ret);
	if (x->which == CT_FULL_ID)
		return c && c->full_id.len && fx_text(c->full_id, ret);
	return fx_text(id, ret);
}

static struct str text_of(const struct info *in, unsigned which)
{
	switch (which) {
	case CT_NAME: return in->name;
	case CT_TYPE: return in->type;
	case CT_IMAGE: return in->image;
	case CT_IMAGE_ID: return in->image_id;
	case CT_REPOSITORY: return in->repository;
	case CT_TAG: return in->tag;
	case CT_DIGEST: return in->digest;
	case CT_IP: return in->ip;
	case CT_CNI: return in->cni_json;
	case CT_NS_NAME: return in->ns_name;
	case CT_POD_NAME: return in->pod_name;
	case CT_POD_UID: return in->pod_uid;
	case CT_SANDBOX_ID: return str_cut(in->sandbox_id, SHORT_ID);
	case CT_FULL_SANDBOX_ID: return in->sandbox_id;
	case CT_HEALTHCHECK: return in->probes[PROBE_HEALTH];
	case CT_LIVENESS: return in->probes[PROBE_LIVENESS];
	case CT_READINESS: return in->probes[PROBE_READINESS];
	default: return (struct str){ 0 };
	}
}

bool x_container_text(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);
	const struct container *c = container_of(x);

	if (!container_of_event(x).len)
		return (x->which == CT_NAME || x->which == CT_TYPE) && fx_text(STR("host"), ret);
	if (!in)
		return x->which == CT_TYPE && c && c->guess && c->guess[0] &&
		       fx_text(str_of(c->guess), ret);
	struct str s = text_of(in, x->which);

	return s.ptr && fx_text(s, ret);
}

bool x_container_flag(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);

	if (!in)
		return false;
	const enum info_flag flags[] = {
		[CT_PRIVILEGED] = in->privileged,
		[CT_HOST_PID] = in->host_pid,
		[CT_HOST_NETWORK] = in->host_network,
		[CT_HOST_IPC] = in->host_ipc,
	};

	ret->b = flags[x->which] == INFO_YES;
	return flags[x->which] != INFO_UNKNOWN;
}

bool x_container_label(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);

	if (!in)
		return false;
	ret->s = x->which ? info_pair_find(in->pod_labels, in->npod_labels, x->ref->arg)
			  : info_pair_find(in->labels, in->nlabels, x->ref->arg);
	return ret->s.ptr;
}

bool x_container_labels(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);

	if (!in)
		return false;
	const struct info_pair *pairs = x->which ? in->pod_labels : in->labels;
	size_t n = x->which ? in->npod_labels : in->nlabels, bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += pairs[i].key.len + pairs[i].value.len + 3;
	struct strbuf b = fx_buf(x, bytes);

	for (size_t i = 0; i < n; i++) {
		if (str_starts(pairs[i].key, STR("io.kubernetes.")) ||
		    str_starts(pairs[i].key, STR("annotation.")))
			continue;
		strbuf_addz(&b, b.len ? ", " : "");
		strbuf_add(&b, pairs[i].key);
		strbuf_addc(&b, ':');
		strbuf_add(&b, pairs[i].value);
	}
	return fx_take(&b, ret);
}

static size_t mount_bytes(const struct info_mount *m)
{
	return m->source.len + m->dest.len + m->mode.len + m->propagation.len + 16;
}

static void print_mount(const struct info_mount *m, struct strbuf *b)
{
	strbuf_add(b, m->source);
	strbuf_addc(b, ':');
	strbuf_add(b, m->dest);
	strbuf_addc(b, ':');
	strbuf_add(b, m->mode);
	strbuf_addz(b, m->rdwr ? ":true:" : ":false:");
	strbuf_add(b, m->propagation);
}

bool x_container_mounts(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);
	size_t bytes = 0;

	if (!in)
		return false;
	for (size_t i = 0; i < in->nmounts; i++)
		bytes += mount_bytes(&in->mounts[i]);
	struct strbuf b = fx_buf(x, bytes);

	for (size_t i = 0; i < in->nmounts; i++) {
		strbuf_addz(&b, i ? "," : "");
		print_mount(&in->mounts[i], &b);
	}
	return fx_take(&b, ret);
}

static bool glob_says(const struct fx *x, struct str pattern, struct str s)
{
	struct strbuf p = fx_buf(x, pattern.len + 1), b = fx_buf(x, s.len + 1);

	strbuf_add(&p, pattern);
	strbuf_add(&b, s);
	const char *pz = strbuf_z(&p), *bz = strbuf_z(&b);

	return pz && bz && fnmatch(pz, bz, 0) == 0;
}

static const struct info_mount *mount_of(const struct fx *x, const struct info *in)
{
	if (x->ref->index >= 0)
		return (uint64_t)x->ref->index < in->nmounts ? &in->mounts[x->ref->index] : NULL;
	for (size_t i = 0; i < in->nmounts; i++) {
		const struct info_mount *m = &in->mounts[i];

		if (glob_says(x, x->ref->arg, x->which == MOUNT_SOURCE ? m->dest : m->source))
			return m;
	}
	return NULL;
}

bool x_container_mount(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);
	const struct info_mount *m = in ? mount_of(x, in) : NULL;

	if (!m)
		return false;
	struct strbuf b;

	switch (x->which) {
	case MOUNT_SOURCE: return fx_text(m->source, ret);
	case MOUNT_DEST: return fx_text(m->dest, ret);
	case MOUNT_MODE: return fx_text(m->mode, ret);
	case MOUNT_RDWR: return fx_text(m->rdwr ? STR("true") : STR("false"), ret);
	case MOUNT_PROPAGATION: return fx_text(m->propagation, ret);
	default:
		b = fx_buf(x, mount_bytes(m));
		print_mount(m, &b);
		return fx_take(&b, ret);
	}
}

/* argv as one text, as answers of runtimes give commands. */
static bool runs(const struct proc *p, struct str command)
{
	struct str args = p->args, word;

	if (!str_starts(command, p->exe))
		return false;
	command = str_skip(command, p->exe.len);
	while (args.len && str_split(&args, '\0', &word)) {
		if (!str_starts(command, STR(" ")) || !str_starts(str_skip(command, 1), word))
			return false;
		command = str_skip(command, 1 + word.len);
	}
	return command.len == 0;
}

/* The process itself or what it descends from inside the container. */
bool x_proc_probe(const struct fx *x, struct value *ret)
{
	const struct info *in = info_of(x);
	struct str command = in ? text_of(in, x->which) : (struct str){ 0 };
	const struct proc *p = x->proc;

	ret->b = false;
	if (!x->proc)
		return false;
	for (unsigned n = 0; command.len && p && n < LIMIT_ANCESTORS; p = p->parent, n++) {
		if (!str_eq(p->container_id, container_of_event(x)))
			break;
		if (p->exe.len && runs(p, command))
			ret->b = true;
	}
	return true;
}

bool x_container_start(const struct fx *x, struct value *ret)
{
	uint64_t start = container_of_event(x).len ? proc_pidns_start(x) : 0;

	if (!start)
		return false;
	ret->u = x->which ? x->ev->hdr->ts_ns - start : fx_wall(x, start);
	return true;
}
