/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC 1.51 says at its level "error", without naming the peer, why OpenSSL ended a handshake; that line is
 * turned into ours. A peer can cause it at will, so a reason is said at most once a minute, with the count so
 * far. Without locks: each reason hashes to a slot that remembers when it was last said.
 */
#include "rpc/grpc_log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include <grpc/support/log.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"

enum { LOG_SLOTS = 64 };
#define LOG_AGAIN_NS (60 * NS_PER_SEC)

static _Atomic uint64_t refused;
static _Atomic uint64_t said_ns[LOG_SLOTS];

static bool may_say(struct str reason)
{
	_Atomic uint64_t *slot = &said_ns[hash_str(reason) % LOG_SLOTS];
	uint64_t last = atomic_load(slot), now = clock_boot_ns();

	if (last && now - last < LOG_AGAIN_NS)
		return false;
	return atomic_compare_exchange_strong(slot, &last, now);
}

/* What stands behind the last "::" or ": ", without the final full stop. */
static struct str reason_of(struct str text)
{
	for (size_t i = text.len; i >= 2; i--)
		if (text.ptr[i - 2] == ':' && (text.ptr[i - 1] == ':' || text.ptr[i - 1] == ' ')) {
			text = str_skip(text, i);
			break;
		}
	if (str_ends(text, STR(".")))
		text.len--;
	return text;
}

static void on_log(gpr_log_func_args *args)
{
	struct str text = str_of(args->message), file = str_of(args->file);

	if (str_starts(text, STR("Handshake failed"))) {
		uint64_t n = atomic_fetch_add(&refused, 1) + 1;
		struct str reason = reason_of(text);

		if (may_say(reason))
			log_warning("grpc: refused a client at its TLS handshake: " STR_FMT
				    " (%" PRIu64 " refused so far)",
				    STR_ARG(reason), n);
		return;
	}
	/* A port that cannot be bound is reported by whoever wanted it, with the cause. */
	if (str_contains(file, STR("chttp2_server.cc")) || str_contains(file, STR("tcp_server")))
		return;
	if (may_say((struct str){ file.ptr, file.len }))
		log_warning("grpc: " STR_FMT, STR_ARG(str_cut(text, 400)));
}

void grpc_log_install(void)
{
	gpr_set_log_function(on_log);
	gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
}

uint64_t grpc_log_refused(void)
{
	return atomic_load(&refused);
}
