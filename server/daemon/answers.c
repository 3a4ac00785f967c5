/* SPDX-License-Identifier: Apache-2.0 */
/* Each question is a row; its answer is a packed message of proto/tiercel.proto, or a text that says why not. */
#include "daemon/answers.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "daemon/validate.h"
#include "filter/glob.h"
#include "link/control.h"
#include "link/pack.h"
#include "tiercel.pb-c.h"

enum { ANSWER_BYTES = LIMIT_CONTROL_BYTES - 1024, ANSWER_ARENA = 64 << 20 };

struct answers {
	struct answers_options o;
	struct validator *validator;
};

static void say(struct answers *a, uint64_t id, enum control_outcome outcome, struct str text)
{
	netproc_answer(a->o.net, &(struct control_answer){ id, outcome, text });
}

static void say_message(struct answers *a, uint64_t id, const ProtobufCMessage *m)
{
	_cleanup_(strbuf_done) struct strbuf out = { .limit = ANSWER_BYTES };

	if (pack_message(m, &out) < 0)
		say(a, id, ANSWER_BUSY, STR("the answer is too long: ask for less"));
	else
		say(a, id, ANSWER_OK, strbuf_str(&out));
}

static char *text_of(struct str s)
{
	return (char *)(uintptr_t)s.ptr;
}

static int fill_texts(struct arena *arena, const struct rule *rule, Tiercel__V1__Rule *m)
{
	m->name = text_of(arena_dup(arena, rule->name));
	m->source = text_of(arena_dup(arena, rule->source));
	m->tags = arena_array(arena, rule->ntags + 1, sizeof(*m->tags));
	if (!m->name || !m->source || !m->tags)
		return -ENOMEM;
	for (; m->n_tags < rule->ntags; m->n_tags++) {
		m->tags[m->n_tags] = text_of(arena_dup(arena, rule->tags[m->n_tags]));
		if (!m->tags[m->n_tags])
			return -ENOMEM;
	}
	return 0;
}

static Tiercel__V1__Rule *summary(struct answers *a, struct arena *arena, const struct rule *rule)
{
	Tiercel__V1__Rule *m = arena_new(arena, Tiercel__V1__Rule);

	if (!m)
		return NULL;
	tiercel__v1__rule__init(m);
	m->priority = (Falco__Schema__Priority)rule->priority;
	m->enabled = rule->enabled;
	m->matches = measure_matches(a->o.measure, rule);
	return fill_texts(arena, rule, m) < 0 ? NULL : m;
}

static bool wanted(const Tiercel__V1__ListRulesRequest *q, const struct glob *name,
		   const struct rule *rule)
{
	bool tagged = q->n_tags == 0;

	for (size_t t = 0; !tagged && t < q->n_tags; t++)
		for (size_t i = 0; !tagged && i < rule->ntags; i++)
			tagged = str_eqz(rule->tags[i], q->tags[t]);
	return tagged && (!name || glob_match(name, rule->name));
}

static int list(struct answers *a, const Tiercel__V1__ListRulesRequest *q, struct arena *arena,
		Tiercel__V1__ListRulesResponse *m)
{
	const struct glob *name = *q->name ? glob_new(str_of(q->name), false, arena) : NULL;
	size_t n;
	const struct rule *const *rules = ruleset_rules(measure_ruleset(a->o.measure), &n);

	m->rules = arena_array(arena, n + 1, sizeof(*m->rules));
	if (!m->rules || (*q->name && !name))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!wanted(q, name, rules[i]))
			continue;
		m->rules[m->n_rules] = summary(a, arena, rules[i]);
		if (!m->rules[m->n_rules++])
			return -ENOMEM;
	}
	return 0;
}

static void list_rules(struct answers *a, uint64_t id, const ProtobufCMessage *question)
{
	Tiercel__V1__ListRulesResponse m = TIERCEL__V1__LIST_RULES_RESPONSE__INIT;
	struct arena arena;

	arena_init(&arena, ANSWER_ARENA);
	if (list(a, (const Tiercel__V1__ListRulesRequest *)question, &arena, &m) == 0)
		say_message(a, id, &m.base);
	else
		say(a, id, ANSWER_BUSY, STR("out of memory: ask for less"));
	arena_done(&arena);
}

static int fill_rule(struct answers *a, const struct rule *rule, struct arena *arena,
		     Tiercel__V1__GetRuleResponse *m)
{
	m->rule = summary(a, arena, rule);
	if (!m->rule)
		return -ENOMEM;
	m->rule->description = text_of(arena_dup(arena, rule->desc));
	m->rule->condition = text_of(arena_dup(arena, rule->condition));
	m->rule->output = text_of(arena_dup(arena, rule->output));
	return m->rule->description && m->rule->condition && m->rule->output ? 0 : -ENOMEM;
}

static void get_rule(struct answers *a, uint64_t id, const ProtobufCMessage *question)
{
	const Tiercel__V1__GetRuleRequest *q = (const Tiercel__V1__GetRuleRequest *)question;
	Tiercel__V1__GetRuleResponse m = TIERCEL__V1__GET_RULE_RESPONSE__INIT;
	struct arena arena;
	size_t n, i = 0;
	const struct rule *const *rules = ruleset_rules(measure_ruleset(a->o.measure), &n);

	while (i < n && !str_eqz(rules[i]->name, q->name))
		i++;
	if (i == n) {
		say(a, id, ANSWER_NOT_FOUND, STR("no rule has this name"));
		return;
	}
	arena_init(&arena, ANSWER_ARENA);
	if (fill_rule(a, rules[i], &arena, &m) == 0)
		say_message(a, id, &m.base);
	else
		say(a, id, ANSWER_BUSY, STR("out of memory"));
	arena_done(&arena);
}

struct reloading {
	struct answers *answers;
	uint64_t id;
};

static void reloaded(const struct reload_outcome *outcome, void *ctx)
{
	struct reloading *r = ctx;
	Tiercel__V1__ReloadResponse m = TIERCEL__V1__RELOAD_RESPONSE__INIT;
	_cleanup_(freep) char *text = str_dupz(outcome->text);
	_cleanup_(freep) char *json = str_dupz(outcome->json);

	m.loaded = outcome->loaded;
	m.results = text ? text : m.results;
	m.results_json = json ? json : m.results_json;
	size_t n;
	ruleset_rules(measure_ruleset(r->answers->o.measure), &n);
	m.rules = n;
	say_message(r->answers, r->id, &m.base);
	free(r);
}

static void reload(struct answers *a, uint64_t id, const ProtobufCMessage *question)
{
	struct reloading *r = malloc(sizeof(*r));

	if (r)
		*r = (struct reloading){ a, id };
	if (r && reload_ask_told(a->o.reload, reloaded, r) == 0)
		return;
	free(r);
	say(a, id, ANSWER_BUSY, STR("out of memory"));
}

static void validated(enum control_outcome outcome, struct str text, uint64_t id, void *ctx)
{
	say(ctx, id, outcome, text);
}

static void answer_message(struct answers *a, const struct control_ask *ask)
{
	static const struct {
		const ProtobufCMessageDescriptor *type;
		void (*answer)(struct answers *a, uint64_t id, const ProtobufCMessage *question);
	} rows[ASKS] = {
		[ASK_LIST_RULES] = { &tiercel__v1__list_rules_request__descriptor, list_rules },
		[ASK_GET_RULE] = { &tiercel__v1__get_rule_request__descriptor, get_rule },
		[ASK_RELOAD] = { &tiercel__v1__reload_request__descriptor, reload },
	};
	ProtobufCMessage *question = NULL;

	if (ask->what < ASKS && rows[ask->what].answer)
		question = protobuf_c_message_unpack(rows[ask->what].type, NULL, ask->text.len,
						     (const uint8_t *)ask->text.ptr);
	if (!question) {
		say(a, ask->id, ANSWER_INVALID, STR("this is no question to the sensor"));
		return;
	}
	rows[ask->what].answer(a, ask->id, question);
	protobuf_c_message_free_unpacked(question, NULL);
}

static void on_ask(const struct control_ask *ask, void *ctx)
{
	struct answers *a = ctx;

	if (ask->what != ASK_VALIDATE_RULES)
		answer_message(a, ask);
	else if (validator_ask(a->validator, ask->id, ask->text) < 0)
		say(a, ask->id, ANSWER_BUSY, STR("too many rules files are being validated"));
}

int answers_start(const struct answers_options *options, struct answers **ret)
{
	struct answers *a = malloc(sizeof(*a));

	if (!a)
		return -ENOMEM;
	*a = (struct answers){ .o = *options };
	if (validator_start(a->o.loop, a->o.args, validated, a, &a->validator) < 0) {
		free(a);
		return -ENOMEM;
	}
	netproc_asked(a->o.net, on_ask, a);
	*ret = a;
	return 0;
}

struct answers *answers_stop(struct answers *a)
{
	if (!a)
		return NULL;
	netproc_asked(a->o.net, NULL, NULL);
	validator_stop(a->validator);
	free(a);
	return NULL;
}
