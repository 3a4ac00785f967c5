// SPDX-License-Identifier: Apache-2.0
// A face in C on RE2. Every call that may allocate is fenced: an exception becomes an error or "no match".
#include "filter/regex.h"

#include <cerrno>
#include <cstdio>

#include <re2/re2.h>

struct regex {
	re2::RE2 re;

	regex(const re2::StringPiece &pattern, const re2::RE2::Options &options)
	    : re(pattern, options)
	{
	}
};

extern "C" int regex_new(const char *pattern, size_t len, struct regex **ret, char *err, size_t size)
{
	try {
		re2::RE2::Options options;

		options.set_posix_syntax(true);
		options.set_longest_match(true);
		options.set_log_errors(false);
		regex *r = new regex(re2::StringPiece(pattern, len), options);

		if (!r->re.ok()) {
			snprintf(err, size, "%s", r->re.error().c_str());
			delete r;
			return -EINVAL;
		}
		*ret = r;
		return 0;
	} catch (...) {
		return -ENOMEM;
	}
}

extern "C" struct regex *regex_free(struct regex *r)
{
	delete r;
	return nullptr;
}

extern "C" bool regex_match(const struct regex *r, const char *text, size_t len)
{
	try {
		return re2::RE2::FullMatch(re2::StringPiece(text, len), r->re);
	} catch (...) {
		return false;
	}
}
