/* SPDX-License-Identifier: Apache-2.0 */
/* Switching rules on and off before a ruleset is finished. */
#include "rule/select.h"

#include "rule/ruleset_impl.h"

/* Position of part in s from `from` on, or s.len + 1. */
static size_t find(struct str s, size_t from, struct str part)
{
	const char *p;

	if (from > s.len)
		return s.len + 1;
	if (!part.len)
		return from;
	p = memmem(s.ptr + from, s.len - from, part.ptr, part.len);
	return p ? (size_t)(p - s.ptr) : s.len + 1;
}

bool rule_wildcard(struct str pattern, struct str text)
{
	size_t at = 0, star = str_chr(pattern, '*');
	struct str piece = str_cut(pattern, star);

	if (!str_starts(text, piece))
		return false;
	at = piece.len;
	if (star == pattern.len)
		return at == text.len;
	while (star < pattern.len) {
		pattern = str_skip(pattern, star + 1);
		star = str_chr(pattern, '*');
		piece = str_cut(pattern, star);
		if (star == pattern.len && !piece.len)
			return true;
		at = find(text, at, piece);
		if (at > text.len)
			return false;
		at += piece.len;
	}
	return at == text.len;
}

static bool has_tag(const struct rule *r, struct str tag)
{
	for (size_t i = 0; i < r->ntags; i++)
		if (str_eq(r->tags[i], tag))
			return true;
	return false;
}

void rule_select(struct ruleset *rs, const struct rule_selection *sel, enum priority min)
{
	for (size_t i = 0; i < rs->nrules; i++) {
		struct rule *r = rs->rules[i];

		if ((sel->rule.len && rule_wildcard(sel->rule, r->name)) ||
		    (sel->tag.len && has_tag(r, sel->tag)))
			r->enabled = sel->enable && r->priority <= min;
	}
}
