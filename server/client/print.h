/* SPDX-License-Identifier: Apache-2.0 */
/* Responses of falco.outputs.service as lines for people or programs. */
#pragma once

#include <stdbool.h>

#include "base/strbuf.h"
#include "outputs.pb-c.h"

/* What an alert or a loss looks like on a terminal: control characters in it are shown, never sent there. */
void print_alert_text(const Falco__Outputs__Response *m, bool color, struct strbuf *out);
void print_loss_text(const Falco__Outputs__Loss *lost, bool color, struct strbuf *out);
/* The same as one JSON object: {"time", "priority", ... "position"}, or {"lost"}. */
void print_alert_json(const Falco__Outputs__Response *m, struct strbuf *out);
void print_loss_json(const Falco__Outputs__Loss *lost, struct strbuf *out);
/* Text that others wrote, fit for a terminal. */
void print_safe(struct str text, struct strbuf *out);
/* Local, to the millisecond: 2026-11-28 07:00:00.123. */
void print_time(const Google__Protobuf__Timestamp *t, struct strbuf *out);
/* An ISO 8601 text, UTC; null when there is no time. */
struct json;
void print_time_json(const Google__Protobuf__Timestamp *t, struct json *j);
