/* SPDX-License-Identifier: Apache-2.0 */
/* The control channel: round trips of every kind, and packets that no honest peer sends. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "link/control.h"

struct pair {
	int fds[2];
	struct control *a, *b;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	assert_int_equal(control_pair(p->fds), 0);
	assert_int_equal(control_new(p->fds[0], &p->a), 0);
	assert_int_equal(control_new(p->fds[1], &p->b), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	control_free(p->a);
	control_free(p->b);
	closep(&p->fds[0]);
	closep(&p->fds[1]);
	free(p);
	return 0;
}

/* Sends from a to b, as often as it takes. */
static void pass(struct pair *p, const struct control_message *m, struct control_message *got)
{
	int r = control_send(p->a, m), g = 0;

	while (g == 0) {
		g = control_receive(p->b, got);
		if (r == 1)
			r = control_flush(p->a);
	}
	assert_int_equal(r, 0);
	assert_int_equal(g, 1);
	assert_int_equal(got->kind, m->kind);
}

static void settings_travel(void **state)
{
	struct pair *p = *state;
	struct control_message got, m = {
		.kind = CONTROL_SETTINGS,
		.settings = {
			.bind_address = STR("0.0.0.0:5060"),
			.hostname = STR("here"),
			.first_seq = 7,
			.log_iso_8601 = 1,
		},
	};

	pass(p, &m, &got);
	assert_true(str_eqz(got.settings.bind_address, "0.0.0.0:5060"));
	assert_true(str_eqz(got.settings.hostname, "here"));
	assert_int_equal(got.settings.version.len, 0);
	assert_int_equal(got.settings.first_seq, 7);
	assert_int_equal(got.settings.log_iso_8601, 1);
}

static void large_texts_travel(void **state)
{
	struct pair *p = *state;
	char *big = malloc(600000);
	struct control_message got, m = {
		.kind = CONTROL_ACCESS,
		.access = { .cert_pem = { big, 600000 }, .socket_mode = 0660, .ping_ms = 5 },
	};

	assert_non_null(big);
	memset(big, 'x', 600000);
	pass(p, &m, &got);
	assert_true(str_eq(got.access.cert_pem, m.access.cert_pem));
	assert_int_equal(got.access.key_pem.len, 0);
	assert_int_equal(got.access.socket_mode, 0660);
	assert_int_equal(got.access.ping_ms, 5);
	m.access.key_pem = m.access.cert_pem;
	assert_int_equal(control_send(p->a, &m), -EMSGSIZE);
	free(big);
}

static void others_travel(void **state)
{
	struct pair *p = *state;
	struct control_message got;

	pass(p,
	     &(struct control_message){ .kind = CONTROL_ASK, .ask = { 7, ASK_RELOAD, STR("q") } },
	     &got);
	assert_int_equal(got.ask.id, 7);
	assert_int_equal(got.ask.what, ASK_RELOAD);
	assert_true(str_eqz(got.ask.text, "q"));
	pass(p, &(struct control_message){ .kind = CONTROL_FAILED, .text = STR("no") }, &got);
	assert_true(str_eqz(got.text, "no"));
	pass(p,
	     &(struct control_message){ .kind = CONTROL_ANSWER,
					.answer = { 8, ANSWER_LATE, STR("a") } },
	     &got);
	assert_int_equal(got.answer.id, 8);
	assert_int_equal(got.answer.outcome, ANSWER_LATE);
	assert_true(str_eqz(got.answer.text, "a"));
	pass(p,
	     &(struct control_message){ .kind = CONTROL_LOG,
					.log = { .level = 3, .text = STR("l") } },
	     &got);
	assert_int_equal(got.log.level, 3);
	pass(p,
	     &(struct control_message){
		     .kind = CONTROL_ALERT,
		     .alert = { .cause = CAUSE_POLICY, .text = STR("a") },
	     },
	     &got);
	assert_int_equal(got.alert.cause, CAUSE_POLICY);
	assert_true(str_eqz(got.alert.text, "a"));
	pass(p,
	     &(struct control_message){
		     .kind = CONTROL_READY,
		     .ready = { .text = STR("r"), .first_seq = 7, .journal = 1 },
	     },
	     &got);
	assert_int_equal(got.ready.first_seq, 7);
	assert_int_equal(got.ready.journal, 1);
	assert_int_equal(control_receive(p->b, &got), 0);
	assert_int_equal(control_wait(p->b, 1, &got), 0);
	close(TAKE_FD(p->fds[0]));
	assert_int_equal(control_receive(p->b, &got), -EPIPE);
}

static void a_deaf_peer_is_bounded(void **state)
{
	struct pair *p = *state;
	static char text[100000];
	struct control_message m = { .kind = CONTROL_FAILED, .text = { text, sizeof(text) } };
	int r = 0;

	for (int i = 0; i < 100 && r >= 0; i++)
		r = control_send(p->a, &m);
	assert_int_equal(r, -ENOBUFS);
}

static void bad_packets_are_refused(void **state)
{
	static const struct {
		uint32_t words[6];
		size_t len;
	} rows[] = {
		{ { 0 }, 1 },				      /* shorter than a header */
		{ { 0, 0, 0, 0 }, 16 },			      /* no such kind */
		{ { 99, 0, 0, 0 }, 16 },		      /* no such kind */
		{ { CONTROL_STOP, 4, 0, 4, 0 }, 20 },	      /* more than its fields */
		{ { CONTROL_FAILED, 4, 0, 4, 9 }, 20 },	      /* text longer than the message */
		{ { CONTROL_FAILED, 2, 0, 2, 9 }, 18 },	      /* length cut off */
		{ { CONTROL_FAILED, 8, 4, 4, 9 }, 20 },	      /* starts in the middle */
		{ { CONTROL_FAILED, 4, 0, 8, 9, 9 }, 24 },    /* part larger than the whole */
		{ { CONTROL_FAILED, 8, 0, 8, 9 }, 20 },	      /* part shorter than it says */
		{ { CONTROL_FAILED, 8, 0, 0, 0 }, 16 },	      /* empty part */
		{ { CONTROL_FAILED, 2 << 20, 0, 4, 9 }, 20 }, /* over the limit */
		{ { CONTROL_ASK, 8, 0, 8, 1, 1 }, 24 },	      /* numbers cut off */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *s = NULL;
		struct control_message got;

		setup(&s);
		struct pair *p = s;
		assert_int_equal(send(p->fds[0], rows[i].words, rows[i].len, 0),
				 (ssize_t)rows[i].len);
		assert_int_equal(control_receive(p->b, &got), -EBADMSG);
		teardown(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(settings_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(large_texts_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(others_travel, setup, teardown),
		cmocka_unit_test_setup_teardown(a_deaf_peer_is_bounded, setup, teardown),
		cmocka_unit_test(bad_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
