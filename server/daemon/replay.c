/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay. Hostname and clock offset are those of the recording, so the alerts are the same byte for byte.
 * A capture that was cut is replayed up to the cut.
 */
#include "daemon/replay.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "daemon/rules.h"
#include "daemon/settings.h"
#include "daemon/summary.h"
#include "source/capture.h"

/* Channels drop when they are full; a replay has time to wait for them. */
static void publish_slowly(struct alert *alert, const struct rule *rule, void *ctx)
{
	struct sink *sink = ctx;

	for (size_t i = 0; i < sink->now.n; i++) {
		while (channel_counters(sink->now.channels[i]).queued >= LIMIT_QUEUE / 2)
			usleep(1000);
	}
	sink_publish(alert, rule, sink);
}

static int feed_all(struct capture_reader *reader, struct pipeline *p, struct diag *diag)
{
	const struct rec_hdr *rec;
	int r;

	while ((r = capture_reader_next(reader, &rec, diag)) == 0)
		pipeline_feed(rec, p);
	pipeline_flush(p);
	if (r == CAPTURE_E_CUT)
		log_warning("the capture was cut; it is replayed up to there");
	if (r < 0 && !diag->text[0])
		diag_set(diag, "capture: %s", strerror(-r));
	return r < 0 ? 1 : 0;
}

static int replay_with(const struct config *config, struct ruleset *rs,
		       struct capture_reader *reader, struct diag *diag)
{
	struct alert_settings alert;
	struct pipeline_options po;
	struct outlets outlets;
	struct sink sink = { 0 };
	struct strbuf summary = { 0 };
	const struct capture_info *info = capture_reader_info(reader);

	settings_alert(config, &alert);
	snprintf(alert.hostname, sizeof(alert.hostname), "%s", info->hostname);
	settings_pipeline(config, &alert, &po);
	po.boot_offset_ns = info->wall_offset_ns;
	po.publish = publish_slowly;
	po.publish_ctx = &sink;
	if (settings_channels(config, &sink.now, &outlets, diag) < 0)
		return 1;
	sink_offer(&sink, &outlets);
	sink_take(&sink);
	struct pipeline *p = pipeline_new(&po, rs);
	int status = p ? feed_all(reader, p, diag) : 1;

	pipeline_free(p);
	sink_stop(&sink, 60000);
	summary_print(rs, summary_of_rule, NULL, &summary);
	io_write_all(STDOUT_FILENO, strbuf_str(&summary));
	strbuf_done(&summary);
	return status;
}

int replay_run(const struct config *config, const struct args *args, const char *path,
	       struct diag *diag)
{
	struct capture_reader *reader = NULL;
	struct loader *l = NULL;
	struct ruleset *rs = NULL;
	int status = 1;
	int r = capture_reader_open(path, &reader, diag);

	if (r < 0 && !diag->text[0])
		diag_set(diag, "%s: %s", path, strerror(-r));
	if (r == 0 && rules_load(config, args, &l, &rs, diag) == 0)
		status = replay_with(config, rs, reader, diag);
	else if (!diag->text[0] && l)
		rules_error(l, diag);
	capture_reader_close(reader);
	ruleset_unref(rs);
	loader_free(l);
	return status;
}
