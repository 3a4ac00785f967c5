/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's API 1.24 and later, which podman speaks too. */
#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "runtime/answer.h"

static enum info_flag flag(bool b)
{
	return b ? INFO_YES : INFO_NO;
}

static bool says(const json_t *object, const char *key, const char *word)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && str_eqz(str_of(s), word);
}

static struct str ip_of(const json_t *net, struct arena *a)
{
	struct str ip = answer_text(net, "IPAddress", a);
	const char *name;
	json_t *one;

	if (ip.len)
		return ip;
	json_object_foreach(json_object_get(net, "Networks"), name, one)
	{
		ip = answer_text(one, "IPAddress", a);
		if (ip.len)
			return ip;
	}
	return STR("");
}

static int take_mounts(const json_t *list, struct arena *a, struct info *in)
{
	size_t n = json_array_size(list);

	n = n < INFO_MOUNTS_MAX ? n : INFO_MOUNTS_MAX;
	in->mounts = arena_array(a, n + 1, sizeof(*in->mounts));
	if (!in->mounts)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *m = json_array_get(list, i);

		in->mounts[in->nmounts++] = (struct info_mount){
			.source = answer_text(m, "Source", a),
			.dest = answer_text(m, "Destination", a),
			.mode = answer_text(m, "Mode", a),
			.propagation = answer_text(m, "Propagation", a),
			.rdwr = json_is_true(json_object_get(m, "RW")),
		};
	}
	return 0;
}

/* CMD-SHELL words go to a shell; CMD and bare words are run as they are. */
static struct str health_of(const json_t *config, struct arena *a)
{
	const json_t *test = json_object_get(json_object_get(config, "Healthcheck"), "Test");
	const char *how = json_string_value(json_array_get(test, 0));
	struct str words;

	if (!how || str_eqz(str_of(how), "NONE"))
		return (struct str){ 0 };
	if (str_eqz(str_of(how), "CMD"))
		return answer_words(test, 1, a);
	if (!str_eqz(str_of(how), "CMD-SHELL"))
		return answer_words(test, 0, a);
	words = answer_words(test, 1, a);
	return words.ptr ? arena_printf(a, "/bin/sh -c " STR_FMT, STR_ARG(words))
			 : (struct str){ 0 };
}

static void take_host(const json_t *host, struct info *in)
{
	if (!host)
		return;
	in->privileged = flag(json_is_true(json_object_get(host, "Privileged")));
	in->host_pid = flag(says(host, "PidMode", "host"));
	in->host_network = flag(says(host, "NetworkMode", "host"));
	in->host_ipc = flag(says(host, "IpcMode", "host"));
}

/* It gets one when it starts, unless it uses what another has. */
static bool has_no_address_yet(const json_t *root)
{
	const json_t *state = json_object_get(root, "State");
	const json_t *host = json_object_get(root, "HostConfig");
	const char *mode = json_string_value(json_object_get(host, "NetworkMode"));

	return (says(state, "Status", "created") || says(state, "Status", "initialized")) &&
	       !(mode && (str_eqz(str_of(mode), "none") || str_eqz(str_of(mode), "host") ||
			  str_starts(str_of(mode), STR("container:"))));
}

int docker_read_inspect(struct str json, const struct answer_limits *l, struct arena *a,
			struct info *ret)
{
	_cleanup_(json_freep) json_t *root = answer_parse(json);
	const json_t *config = json_object_get(root, "Config");
	struct info in = { 0 };

	in.full_id = answer_text(root, "Id", a);
	in.name = answer_text(root, "Name", a);
	if (!json_is_object(config) || !in.full_id.len || !in.name.ptr)
		return -EBADMSG;
	if (str_starts(in.name, STR("/")))
		in.name = in.name.len > 1 ? str_skip(in.name, 1) : STR("");
	in.image = answer_text(config, "Image", a);
	in.image_id = answer_text(root, "Image", a);
	if (str_starts(in.image_id, STR("sha256:")))
		in.image_id = str_skip(in.image_id, sizeof("sha256:") - 1);
	in.user = answer_text(config, "User", a);
	in.ip = ip_of(json_object_get(root, "NetworkSettings"), a);
	in.probes[PROBE_HEALTH] = health_of(config, a);
	in.sandbox = str_contains(in.name, STR("k8s_POD"));
	take_host(json_object_get(root, "HostConfig"), &in);
	in.partial = has_no_address_yet(root);
	int r = answer_labels(json_object_get(config, "Labels"), l, a, &in.labels, &in.nlabels);

	if (r == 0)
		r = take_mounts(json_object_get(root, "Mounts"), a, &in);
	if (r < 0)
		return r;
	info_take_pod_labels(&in);
	answer_probes(&in, a);
	*ret = in;
	return 0;
}

/* Attributes are labels, and these, which are not. */
static void drop_own(struct info *in)
{
	static const char *const own[] = { "name", "image", "containerExitCode", "podId" };
	size_t kept = 0;

	for (size_t i = 0; i < in->nlabels; i++) {
		bool is_own = false;

		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			is_own |= str_eqz(in->labels[i].key, own[k]);
		if (!is_own)
			in->labels[kept++] = in->labels[i];
	}
	in->nlabels = kept;
}

bool docker_read_event(struct str json, const struct answer_limits *l, struct arena *a,
		       struct peer_news *ret, struct info *partial)
{
	static const struct {
		const char *action;
		enum peer_event what;
	} rows[] = {
		{ "create", PEER_MADE },  { "init", PEER_MADE },   { "start", PEER_STARTED },
		{ "destroy", PEER_GONE }, { "remove", PEER_GONE },
	};
	_cleanup_(json_freep) json_t *root = answer_parse(json);
	const json_t *actor = json_object_get(root, "Actor");
	const json_t *about = json_object_get(actor, "Attributes");
	struct str action = answer_text(root, "Action", a);
	size_t row = 0;

	while (row < ARRAY_SIZE(rows) && !str_eqz(action, rows[row].action))
		row++;
	*ret = (struct peer_news){ .full_id = answer_text(actor, "ID", a) };
	if (row == ARRAY_SIZE(rows) || !ret->full_id.len || !says(root, "Type", "container"))
		return false;
	ret->what = rows[row].what;
	if (ret->what == PEER_GONE)
		return true;
	*partial = (struct info){ .full_id = ret->full_id,
				  .name = answer_text(about, "name", a),
				  .image = answer_text(about, "image", a),
				  .partial = true };
	if (!partial->name.len ||
	    answer_labels(about, l, a, &partial->labels, &partial->nlabels) < 0)
		return true;
	drop_own(partial);
	info_take_pod_labels(partial);
	ret->partial = partial;
	return true;
}
