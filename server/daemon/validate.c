/* SPDX-License-Identifier: Apache-2.0 */
/* The process that compiles what others sent. The configuration is read before, everything of theirs after the door. */
#include "daemon/validate.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "base/strbuf.h"
#include "daemon/rules.h"
#include "link/pack.h"
#include "rpc/confine.h"
#include "rule/load.h"
#include "tiercel.pb-c.h"

enum { VALIDATE_NICE = 10, VALIDATE_CPU_S = 10, VALIDATE_MEMORY_BYTES = 768 << 20 };

static int limit(int which, rlim_t most)
{
	const struct rlimit l = { most, most };

	return setrlimit((__rlimit_resource_t)which, &l) < 0 ? -errno : 0;
}

static int confine(struct str user)
{
	static const struct {
		int which;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_CPU, VALIDATE_CPU_S },
		{ RLIMIT_AS, VALIDATE_MEMORY_BYTES },
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_NOFILE, 3 },
	};
	int r = prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ? -errno : 0;

	if (r == 0)
		r = confine_user(user);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(limits); i++)
		r = limit(limits[i].which, limits[i].most);
	if (r == 0 && nice(VALIDATE_NICE) == -1)
		errno = 0; /* as it was, then */
	return r;
}

static int read_all(struct strbuf *out)
{
	for (;;) {
		char *room = strbuf_room(out, 65536);
		ssize_t n = room ? read(STDIN_FILENO, room, 65536) : -1;

		if (!room)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		out->len += (size_t)n;
	}
}

/* Entries in a row with one name are parts of one file. */
static int add_files(struct loader *l, const Tiercel__V1__ValidateRulesRequest *q)
{
	_cleanup_(strbuf_done) struct strbuf content = { 0 };

	for (size_t i = 0; i < q->n_files; i++) {
		const Tiercel__V1__RulesFile *f = q->files[i];
		bool last = i + 1 == q->n_files || strcmp(q->files[i + 1]->name, f->name) != 0;

		strbuf_add(&content, (struct str){ (const char *)f->content.data, f->content.len });
		if (strbuf_check(&content) < 0)
			return -ENOMEM;
		if (!last)
			continue;
		if (loader_add(l, *f->name ? f->name : "rules.yaml", strbuf_str(&content)) < 0)
			return -ENOMEM;
		strbuf_clear(&content);
	}
	return 0;
}

static int write_answer(const struct loader *l, bool valid, const struct diag *diag)
{
	Tiercel__V1__ValidateRulesResponse m = TIERCEL__V1__VALIDATE_RULES_RESPONSE__INIT;
	_cleanup_(strbuf_done) struct strbuf json = { 0 }, text = { 0 }, out = { 0 };

	rules_results_json(l, &json);
	loader_print(l, true, &text);
	if (diag->text[0])
		diag_print(diag, &text);
	m.valid = valid;
	m.results_json = (char *)(uintptr_t)strbuf_z(&json);
	m.results = (char *)(uintptr_t)strbuf_z(&text);
	if (!m.results_json || !m.results)
		return VALIDATE_MEMORY;
	if (pack_message(&m.base, &out) < 0)
		return VALIDATE_MEMORY;
	return io_write_all(STDOUT_FILENO, strbuf_str(&out)) < 0 ? VALIDATE_FAILED : VALIDATE_OK;
}

static int validate(struct loader *l, const Tiercel__V1__ValidateRulesRequest *q)
{
	struct diag diag = { 0 };

	if (add_files(l, q) < 0)
		return VALIDATE_MEMORY;
	struct ruleset *rs = loader_finish(l, &diag);
	bool valid = rs && !loader_errors(l);
	ruleset_unref(rs);
	return write_answer(l, valid, &diag);
}

int validate_main(const struct config *config, const struct args *args)
{
	_cleanup_(strbuf_done) struct strbuf in = { .limit = 2 * LIMIT_QUESTION };
	struct loader *l = rules_loader(config, args);

	if (!l || confine(str_of(config->tiercel.user)) < 0 || read_all(&in) < 0) {
		loader_free(l);
		return VALIDATE_FAILED;
	}
	Tiercel__V1__ValidateRulesRequest *q =
		tiercel__v1__validate_rules_request__unpack(NULL, in.len, (const uint8_t *)in.ptr);
	int status = !q ? VALIDATE_FAILED : !q->n_files ? VALIDATE_INVALID : validate(l, q);
	if (q)
		tiercel__v1__validate_rules_request__free_unpacked(q, NULL);
	loader_free(l);
	return status;
}
