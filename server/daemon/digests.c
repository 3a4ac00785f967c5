/* SPDX-License-Identifier: Apache-2.0 */
/* See digests.h. */
#include "daemon/digests.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "daemon/rules.h"

struct walk {
	digests_fn *fn;
	void *ctx;
	bool rules;
};

static int one(const char *path, void *ctx)
{
	const struct walk *w = ctx;
	_cleanup_(strbuf_done) struct strbuf text = { 0 };
	const char *slash = strrchr(path, '/');
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;

	if (io_read_file(path, LIMIT_RULES_FILE_BYTES, &text) < 0 ||
	    EVP_Digest(text.len ? text.ptr : "", text.len, sum, &n, EVP_sha256(), NULL) != 1)
		return 0;
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	w->fn(w->rules, slash ? slash + 1 : path, hex, w->ctx);
	return 0;
}

void digests_each(const struct config *config, const struct args *args, digests_fn *fn, void *ctx)
{
	struct walk w = { .fn = fn, .ctx = ctx };

	for (size_t i = 0; i < config->files.n; i++)
		(void)one(config->files.items[i].ptr, &w);
	w.rules = true;
	(void)rules_files(config, args, one, &w);
}
