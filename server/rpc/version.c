/* SPDX-License-Identifier: Apache-2.0 */
/*
 * falco.version.service/version. The version text is taken apart as MAJOR.MINOR.PATCH[-PRERELEASE][+BUILD];
 * what is missing stays 0 or empty.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "rpc/call.h"
#include "rpc/method.h"
#include "version.pb-c.h"

static uint32_t number(struct str *rest)
{
	struct str part;
	uint64_t v;

	if (!str_split(rest, '.', &part) || str_to_u64(part, &v) < 0 || v > UINT32_MAX)
		return 0;
	return (uint32_t)v;
}

/* Cuts what follows c off s into buf. */
static void cut_behind(struct str *s, char c, char *buf, size_t size)
{
	size_t at = str_chr(*s, c);
	struct str tail = str_skip(*s, at + 1);

	snprintf(buf, size, STR_FMT, STR_ARG(tail));
	*s = str_cut(*s, at);
}

void version_request(struct rpc_call *call, const ProtobufCMessage *message)
{
	const struct rpc_shared *shared = call->shared;
	char version[128], pre[64], build[64], engine[64], checksum[128];
	Falco__Version__Response answer = FALCO__VERSION__RESPONSE__INIT;
	struct str rest = shared->version;

	snprintf(version, sizeof(version), STR_FMT, STR_ARG(rest));
	snprintf(engine, sizeof(engine), STR_FMT, STR_ARG(shared->engine_version));
	snprintf(checksum, sizeof(checksum), STR_FMT, STR_ARG(shared->fields_checksum));
	cut_behind(&rest, '+', build, sizeof(build));
	cut_behind(&rest, '-', pre, sizeof(pre));
	answer.version = version;
	answer.major = number(&rest);
	answer.minor = number(&rest);
	answer.patch = number(&rest);
	answer.prerelease = pre;
	answer.build = build;
	rest = shared->engine_version;
	answer.engine_major = number(&rest);
	answer.engine_minor = number(&rest);
	answer.engine_patch = number(&rest);
	answer.engine_version = engine;
	answer.engine_fields_checksum = checksum;
	rpc_call_pack(call, &answer.base);
}
