/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of runtimes, good and hostile, as they are told on. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "runtime/answer.h"

static const struct answer_limits limits = { 20 };

static void assert_prints(const struct info *in, const char *wanted)
{
	_cleanup_(strbuf_done) struct strbuf out = { 0 };
	struct arena a = { 0 };
	struct info again;

	info_print(in, &out);
	if (!str_eqz(strbuf_str(&out), wanted))
		fail_msg("%s\nwanted %s", strbuf_z(&out), wanted);
	assert_int_equal(info_parse(strbuf_str(&out), &a, &again), 0);
	arena_done(&a);
}

static void inspections(void **state)
{
	static const struct {
		const char *json, *wanted; /* NULL: it is none */
	} rows[] = {
		{ "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":{\"Image\":\"r/web:1\"}}",
		  "{\"full_id\":\"ab\",\"name\":\"web\",\"image\":\"r/web:1\",\"ip\":\"\"}" },
		{ "{\"Id\":\"ab\",\"Name\":\"web\",\"Image\":\"sha256:cd\",\"Config\":{\"Image\":\"r/web\","
		  "\"User\":\"app\",\"Labels\":{\"tier\":\"front\",\"long\":\"0123456789012345678901\","
		  "\"odd\":7,\"io.kubernetes.pod.name\":\"pod\"},"
		  "\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"curl x\"]}},"
		  "\"HostConfig\":{\"Privileged\":true,\"PidMode\":\"host\",\"NetworkMode\":\"none\"},"
		  "\"NetworkSettings\":{\"IPAddress\":\"\",\"Networks\":{\"n\":{\"IPAddress\":\"10.0.0.1\"}}},"
		  "\"Mounts\":[{\"Source\":\"/s\",\"Destination\":\"/d\",\"Mode\":\"z\",\"RW\":true,"
		  "\"Propagation\":\"rslave\"},7]}",
		  "{\"full_id\":\"ab\",\"name\":\"web\",\"image\":\"r/web\",\"image_id\":\"cd\",\"ip\":\"10.0.0.1\","
		  "\"user\":\"app\",\"pod_name\":\"pod\",\"healthcheck\":\"/bin/sh -c curl x\",\"privileged\":true,"
		  "\"host_pid\":true,\"host_network\":false,\"host_ipc\":false,"
		  "\"labels\":{\"tier\":\"front\",\"io.kubernetes.pod.name\":\"pod\"},"
		  "\"mounts\":[{\"source\":\"/s\",\"dest\":\"/d\",\"mode\":\"z\",\"propagation\":\"rslave\","
		  "\"rdwr\":true},{\"source\":\"\",\"dest\":\"\",\"mode\":\"\",\"propagation\":\"\",\"rdwr\":false}]}" },
		/* It will have an address, and has none yet. */
		{ "{\"Id\":\"ab\",\"Name\":\"/w\",\"State\":{\"Status\":\"created\"},\"Config\":{},"
		  "\"HostConfig\":{\"NetworkMode\":\"bridge\"}}",
		  "{\"full_id\":\"ab\",\"name\":\"w\",\"ip\":\"\",\"privileged\":false,\"host_pid\":false,"
		  "\"host_network\":false,\"host_ipc\":false,\"partial\":true}" },
		{ "{\"Id\":\"ab\",\"Name\":\"/w\",\"State\":{\"Status\":\"created\"},\"Config\":{},"
		  "\"HostConfig\":{\"NetworkMode\":\"host\"}}",
		  "{\"full_id\":\"ab\",\"name\":\"w\",\"ip\":\"\",\"privileged\":false,\"host_pid\":false,"
		  "\"host_network\":true,\"host_ipc\":false}" },
		{ "{\"Id\":\"ab\",\"Name\":\"/k8s_POD_x\",\"Config\":{}}",
		  "{\"full_id\":\"ab\",\"name\":\"k8s_POD_x\",\"ip\":\"\",\"sandbox\":true}" },
		{ "{\"Id\":\"ab\",\"Name\":\"/\\u0000\\u001b[2J\\ud83d\\ude00\",\"Config\":{}}",
		  "{\"full_id\":\"ab\",\"name\":\"\\u0000\\u001b[2J\xf0\x9f\x98\x80\",\"ip\":\"\"}" },
		/* Nothing of what is needed, or of another type. */
		{ "", NULL },
		{ "{}", NULL },
		{ "[]", NULL },
		{ "null", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/web\"}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":[]}", NULL },
		{ "{\"Id\":7,\"Name\":\"/web\",\"Config\":{}}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":{},\"Config\":{}}", NULL },
		{ "{\"Id\":\"\",\"Name\":\"/web\",\"Config\":{}}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":{}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":{}} {", NULL },
		{ "\xff\xfe{}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/\xff\",\"Config\":{}}", NULL },
		{ "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":{\"Labels\":[1],\"Healthcheck\":7},\"Mounts\":{},"
		  "\"HostConfig\":7,\"NetworkSettings\":[]}",
		  "{\"full_id\":\"ab\",\"name\":\"web\",\"ip\":\"\",\"privileged\":false,\"host_pid\":false,"
		  "\"host_network\":false,\"host_ipc\":false}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct info in;
		int r = docker_read_inspect(str_of(rows[i].json), &limits, &a, &in);

		assert_int_equal(r == 0, rows[i].wanted != NULL);
		if (r == 0)
			assert_prints(&in, rows[i].wanted);
		arena_done(&a);
	}
}

/* {"Id":"ab","Name":"/web","Config":{"Labels":{...}}} with what a hostile image may bring. */
static char *inspection(const char *what, size_t times, const char *last)
{
	_cleanup_(strbuf_done) struct strbuf b = { 0 };

	strbuf_addz(&b, "{\"Id\":\"ab\",\"Name\":\"/web\",\"Config\":{");
	for (size_t i = 0; i < times; i++)
		strbuf_printf(&b, what, (int)i);
	strbuf_addz(&b, last);
	return str_dupz(strbuf_str(&b));
}

static void hostile_inspections_are_bounded(void **state)
{
	static const struct {
		const char *what;
		size_t times;
		const char *last;
		bool good;
	} rows[] = {
		{ "\"Labels\":{\"%d\":", 100000, "}", false },				 /* deep */
		{ "\"l%d\":\"\",", 20000, "\"x\":1}}", true },				 /* wide */
		{ "\"Labels\":{\"%d\":1},", 10000, "\"Labels\":{\"a\":\"b\"}}}", true }, /* again */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		_cleanup_(freep) char *json = inspection(rows[i].what, rows[i].times, rows[i].last);
		struct info in;

		assert_non_null(json);
		assert_int_equal(docker_read_inspect(str_of(json), &limits, &a, &in) == 0,
				 rows[i].good);
		arena_done(&a);
	}
}

/* However long lists and texts are: the text of an info fits into a record, and keeps what counts. */
static void long_infos_are_cut(void **state)
{
	static char text[INFO_TEXT_MAX];
	static struct info_pair pairs[INFO_PAIRS_MAX];
	static struct info_mount mounts[INFO_MOUNTS_MAX];
	struct str quotes = { text, sizeof(text) };

	memset(text, '"', sizeof(text)); /* two bytes each when printed */
	for (size_t i = 0; i < INFO_PAIRS_MAX; i++)
		pairs[i] = (struct info_pair){ quotes, quotes };
	for (size_t i = 0; i < INFO_MOUNTS_MAX; i++)
		mounts[i] = (struct info_mount){ quotes, quotes, quotes, quotes, true };
	struct info in = { .full_id = STR("ab"),
			   .name = STR("web"),
			   .image = quotes,
			   .cni_json = quotes,
			   .labels = pairs,
			   .nlabels = INFO_PAIRS_MAX,
			   .mounts = mounts,
			   .nmounts = INFO_MOUNTS_MAX };

	for (unsigned round = 0; round < 2; round++) {
		_cleanup_(strbuf_done) struct strbuf out = { 0 };
		struct arena a = { 0 };
		struct info again;

		info_print(&in, &out);
		assert_in_range(out.len, 1, INFO_BYTES_MAX);
		assert_int_equal(info_parse(strbuf_str(&out), &a, &again), 0);
		assert_true(str_eqz(again.name, "web"));
		arena_done(&a);
		in.user = in.pod_name = in.ns_name = in.pod_uid = in.ip = in.digest = quotes;
	}
}

static void docker_events(void **state)
{
	static const struct {
		const char *json;
		int what;	     /* -1: nothing of interest */
		const char *partial; /* NULL: the event tells nothing more */
	} rows[] = {
		{ "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":\"ab\",\"Attributes\":"
		  "{\"name\":\"web\",\"image\":\"r/web:1\",\"tier\":\"front\",\"podId\":\"\"}}}",
		  PEER_MADE,
		  "{\"full_id\":\"ab\",\"name\":\"web\",\"image\":\"r/web:1\",\"partial\":true,"
		  "\"labels\":{\"tier\":\"front\"}}" },
		{ "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"ab\"}}",
		  PEER_STARTED, NULL },
		{ "{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"ab\"}}",
		  PEER_GONE, NULL },
		{ "{\"Type\":\"container\",\"Action\":\"remove\",\"Actor\":{\"ID\":\"ab\"}}",
		  PEER_GONE, NULL },
		{ "{\"Type\":\"container\",\"Action\":\"exec_start: ls\",\"Actor\":{\"ID\":\"ab\"}}",
		  -1, NULL },
		{ "{\"Type\":\"network\",\"Action\":\"create\",\"Actor\":{\"ID\":\"ab\"}}", -1,
		  NULL },
		{ "{\"Type\":\"container\",\"Action\":\"create\"}", -1, NULL },
		{ "{\"Type\":\"container\",\"Action\":\"create\",\"Actor\":{\"ID\":7}}", -1, NULL },
		{ "", -1, NULL },
		{ "\x80", -1, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct arena a = { .limit = LIMIT_RUNTIME_ANSWER };
		struct peer_news news;
		struct info partial;
		bool is = docker_read_event(str_of(rows[i].json), &limits, &a, &news, &partial);

		assert_int_equal(is, rows[i].what >= 0);
		if (is) {
			assert_int_equal(news.what, rows[i].what);
			assert_true(str_eqz(news.full_id, "ab"));
			assert_int_equal(news.partial != NULL, rows[i].partial != NULL);
		}
		if (is && news.partial)
			assert_prints(news.partial, rows[i].partial);
		arena_done(&a);
	}
}

static void frames(void **state)
{
	static const struct {
		struct str bytes, message;
		bool is;
		bool bad;
	} rows[] = {
		{ STR("\0\0\0\0\2abrest"), STR("ab"), true, false },
		{ STR("\0\0\0\0\0"), STR(""), true, false },
		{ STR("\0\0\0\0\3ab"), STR(""), false, false }, /* more is to come */
		{ STR("\0\0\0"), STR(""), false, false },
		{ STR(""), STR(""), false, false },
		{ STR("\1\0\0\0\2ab"), STR(""), false, true }, /* compressed: never asked for */
		{ STR("\0\177\0\0\2ab"), STR(""), false, true },
		{ STR("\0\377\377\377\377ab"), STR(""), false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str bytes = rows[i].bytes, message = { 0 };
		int r;

		assert_int_equal(cri_next_message(&bytes, &message, &r), rows[i].is);
		assert_int_equal(r < 0, rows[i].bad);
		if (rows[i].is)
			assert_true(str_eq(message, rows[i].message));
	}
}

/* Of a containerd.v1.Envelope: namespace, topic, an event with an id. */
static struct str envelope(struct strbuf *b, const char *space, const char *topic, const char *id)
{
	size_t n = strlen(id);

	strbuf_clear(b);
	strbuf_addc(b, 2 << 3 | 2);
	strbuf_addc(b, (char)strlen(space));
	strbuf_addz(b, space);
	strbuf_addc(b, 3 << 3 | 2);
	strbuf_addc(b, (char)strlen(topic));
	strbuf_addz(b, topic);
	strbuf_addc(b, 4 << 3 | 2);
	strbuf_addc(b, (char)(n + 4));
	strbuf_addc(b, 2 << 3 | 2);
	strbuf_addc(b, (char)(n + 2));
	strbuf_addc(b, 1 << 3 | 2);
	strbuf_addc(b, (char)n);
	strbuf_addz(b, id);
	return strbuf_str(b);
}

static void containerd_events(void **state)
{
	static const struct {
		const char *space, *topic, *id;
		int what;
	} rows[] = {
		{ "k8s.io", "/containers/create", "ab", PEER_MADE },
		{ "default", "/tasks/start", "web", PEER_STARTED },
		{ "default", "/containers/delete", "web", PEER_GONE },
		{ "default", "/tasks/exit", "web", -1 },
		{ "default", "/containers/create", "", -1 },
		{ "moby", "/containers/create", "ab", -1 }, /* Docker tells more */
	};
	_cleanup_(strbuf_done) struct strbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str message = envelope(&b, rows[i].space, rows[i].topic, rows[i].id);
		struct arena a = { 0 };
		struct peer_news news;
		bool is = containerd_read_event(message, &a, &news);

		assert_int_equal(is, rows[i].what >= 0);
		if (is) {
			assert_int_equal(news.what, rows[i].what);
			assert_true(str_eqz(news.full_id, rows[i].id));
			assert_true(str_eqz(news.space, rows[i].space));
		}
		/* Cut short it is another, or none. */
		for (size_t n = 0; n < message.len; n++)
			(void)containerd_read_event(str_cut(message, n), &a, &news);
		arena_done(&a);
	}
}

static void images(void **state)
{
	static const struct {
		const char *image, *repository, *tag, *digest;
	} rows[] = {
		{ "nginx", "nginx", "", "" },
		{ "nginx:1.2", "nginx", "1.2", "" },
		{ "reg:5000/a/b", "reg:5000/a/b", "", "" },
		{ "reg:5000/a/b:v", "reg:5000/a/b", "v", "" },
		{ "a/b@sha256:ff", "a/b", "", "sha256:ff" },
		{ "a/b:v@sha256:ff", "a/b", "v", "sha256:ff" },
		{ "", "", "", "" },
		{ ":", "", "", "" },
		{ "@", "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct str repository, tag, digest;

		info_split_image(str_of(rows[i].image), &repository, &tag, &digest);
		assert_true(str_eqz(repository, rows[i].repository));
		assert_true(str_eqz(tag, rows[i].tag));
		assert_true(str_eqz(digest, rows[i].digest));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inspections),
		cmocka_unit_test(hostile_inspections_are_bounded),
		cmocka_unit_test(long_infos_are_cut),
		cmocka_unit_test(docker_events),
		cmocka_unit_test(frames),
		cmocka_unit_test(containerd_events),
		cmocka_unit_test(images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
