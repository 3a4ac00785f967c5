/* SPDX-License-Identifier: Apache-2.0 */
/* The engine is the rule language's; the driver versions are those of the records' schema. See version.h. */
#include "daemon/version.h"

#include "base/json.h"

void version_json(struct strbuf *out)
{
	struct json j = json_to(out);

	json_open(&j, '{');
	json_key_text(&j, "default_driver_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "driver_api_version", STR("9.1.0"));
	json_key_text(&j, "driver_schema_version", STR("4.3.0"));
	json_key_text(&j, "engine_version", STR("63"));
	json_key_text(&j, "engine_version_semver", STR("0.63.0"));
	json_key_text(&j, "falco_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "libs_version", STR(TIERCEL_VERSION));
	json_key_text(&j, "plugin_api_version", STR("3.12.0"));
	json_key(&j, STR("plugin_versions"));
	json_open(&j, '{');
	json_close(&j, '}');
	json_close(&j, '}');
}
