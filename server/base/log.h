/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own log, apart from alerts: one line per fault, to stderr and, if asked, to syslog.
 * Any thread. Library directories never log above debug (CONVENTIONS.md, Errors).
 */
#pragma once

#include <stdbool.h>

/* Numbers and words as syslog's. */
enum log_level {
	LOG_LEVEL_EMERGENCY,
	LOG_LEVEL_ALERT,
	LOG_LEVEL_CRITICAL,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

struct log_settings {
	enum log_level level; /* lines above it are dropped */
	bool to_stderr;
	bool to_syslog;
	bool iso_8601; /* UTC stamps, else local ones in ctime's form (falco-compat.md 2.4) */
};

/* Any time; lines being written elsewhere follow either the old or the new settings. Info to stderr until then. */
void log_init(const struct log_settings *settings);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
