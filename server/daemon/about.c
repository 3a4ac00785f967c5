/* SPDX-License-Identifier: Apache-2.0 */
/* Text in the forms that existing scripts read; see about.h. */
#include "daemon/about.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include "daemon/rules.h"
#include "event/event.h"

static const char ENGINE_VERSION[] = "0.63.0";
static const char DRIVER_API[] = "9.1.0";
static const char DRIVER_SCHEMA[] = "4.3.0";
static const char PLUGIN_API[] = "3.12.0";

/* What is built in and what it does, as plugins say it of themselves. */
static const struct {
	const char *name, *description, *contact;
} described[] = {
	{ "container", "Container and pod metadata (built in)", "the project's issue tracker" },
};

const char *about_product(const struct args *args)
{
	return args->as_falco ? "Falco" : "Tiercel";
}

static void plugin_versions(struct json *j)
{
	size_t n;
	const struct loaded_plugin *plugins = rules_plugins(&n);

	json_open(j, '{');
	for (size_t i = 0; i < n; i++) {
		json_key(j, str_of(plugins[i].name));
		json_text(j, str_of(plugins[i].version));
	}
	json_close(j, '}');
}

void about_version_json(struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key_text(&j, "default_driver_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "driver_api_version", str_of(DRIVER_API));
	json_key_text(&j, "driver_schema_version", str_of(DRIVER_SCHEMA));
	json_key_text(&j, "engine_version", STR("63"));
	json_key_text(&j, "engine_version_semver", str_of(ENGINE_VERSION));
	json_key_text(&j, "falco_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "libs_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "plugin_api_version", str_of(PLUGIN_API));
	json_key(&j, STR("plugin_versions"));
	plugin_versions(&j);
	json_close(&j, '}');
	strbuf_addc(out, '\n');
}

void about_version(const struct args *args, bool as_json, struct strbuf *out)
{
	struct utsname machine;

	if (as_json) {
		about_version_json(out);
		return;
	}
	uname(&machine);
	strbuf_printf(out, "%s version: %s (%s)\n", about_product(args), TIERCEL_VERSION,
		      machine.machine);
	strbuf_printf(out, "Libs version:  %s\n", TIERCEL_VERSION);
	strbuf_printf(out, "Plugin API:    %s\n", PLUGIN_API);
	strbuf_printf(out, "Engine:        %s\n", ENGINE_VERSION);
	strbuf_printf(out,
		      "Driver:\n"
		      "  API version:    %s\n"
		      "  Schema version: %s\n"
		      "  Default driver: %s\n",
		      DRIVER_API, DRIVER_SCHEMA, TIERCEL_VERSION);
}

void about_ignored(struct strbuf *out)
{
	size_t n;
	const struct syscall_info *calls = syscall_infos(&n);

	strbuf_addz(out, "Ignored syscall(s):\n");
	for (size_t i = 0; i < n; i++)
		if (calls[i].io)
			strbuf_printf(out, "- %s\n", calls[i].name);
}

static void describe_plugin(size_t i, struct strbuf *out)
{
	size_t n;
	const struct loaded_plugin *plugins = rules_plugins(&n);

	strbuf_printf(out,
		      "Name: %s\nDescription: %s\nContact: %s\nVersion: %s\nCapabilities:\n"
		      "  - Field Extraction\n\n",
		      described[i].name, described[i].description, described[i].contact,
		      plugins[i].version);
}

void about_plugins(const struct config *c, struct strbuf *out)
{
	strbuf_printf(out, "%zu Plugins Loaded:\n\n", ARRAY_SIZE(described));
	for (size_t i = 0; i < ARRAY_SIZE(described); i++)
		describe_plugin(i, out);
	for (size_t i = 0; i < c->nplugins; i++)
		if (!str_eqz(c->plugins[i].name, described[0].name))
			strbuf_printf(out, "Not loaded: " STR_FMT "\n",
				      STR_ARG(c->plugins[i].name));
}

int about_plugin(const char *name, struct strbuf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(described); i++) {
		if (!str_eqz(str_of(name), described[i].name))
			continue;
		describe_plugin(i, out);
		return 0;
	}
	return -ENOENT;
}

static void support_system(struct json *j)
{
	struct utsname u;

	uname(&u);
	json_open(j, '{');
	json_key_text(j, "machine", str_of(u.machine));
	json_key_text(j, "nodename", str_of(u.nodename));
	json_key_text(j, "release", str_of(u.release));
	json_key_text(j, "sysname", str_of(u.sysname));
	json_key_text(j, "version", str_of(u.version));
	json_close(j, '}');
}

static void support_cmdline(struct json *j)
{
	_cleanup_(strbuf_done) struct strbuf words = { 0 };

	io_read_file("/proc/self/cmdline", LIMIT_CONFIG_BYTES, &words);
	for (size_t i = 0; i + 1 < words.len; i++)
		if (!words.ptr[i])
			words.ptr[i] = ' ';
	json_text(j, str_trim(str_cut(strbuf_str(&words), words.len ? words.len - 1 : 0)));
}

static void support_content(const char *path, struct json *j)
{
	_cleanup_(strbuf_done) struct strbuf text = { 0 };

	io_read_file(path, LIMIT_RULES_FILE_BYTES, &text);
	json_text(j, strbuf_str(&text));
}

static int support_rules(const char *path, void *ctx)
{
	struct json *j = ctx;

	json_open(j, '{');
	json_key_text(j, "name", str_of(path));
	json_key(j, STR("variants"));
	json_open(j, '[');
	json_open(j, '{');
	json_key(j, STR("content"));
	support_content(path, j);
	json_close(j, '}');
	json_close(j, ']');
	json_close(j, '}');
	return 0;
}

int about_support(const struct config *c, const struct args *args, struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key(&j, STR("cmdline"));
	support_cmdline(&j);
	json_key(&j, STR("config"));
	support_content(c->files.n ? c->files.items[0].ptr : "/dev/null", &j);
	json_key(&j, STR("engine_info"));
	json_open(&j, '{');
	json_key_text(&j, "engine_version", str_of(ENGINE_VERSION));
	json_close(&j, '}');
	json_key(&j, STR("rules_files"));
	json_open(&j, '[');
	rules_files(c, args, support_rules, &j);
	json_close(&j, ']');
	json_key(&j, STR("system_info"));
	support_system(&j);
	json_key_text(&j, "version", STR(TIERCEL_VERSION));
	json_close(&j, '}');
	strbuf_addc(out, '\n');
	return strbuf_check(out);
}
