/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log; see log.h. A line is put together first and written by one call. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static struct log_settings current = { .level = LOG_LEVEL_INFO, .to_stderr = true };

void log_init(const struct log_settings *settings)
{
	current = *settings;
}

static size_t stamp(char *to, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	if (current.iso_8601)
		return strftime(to, size, "%Y-%m-%dT%H:%M:%S+0000: ", gmtime_r(&now, &tm));
	return strftime(to, size, "%a %b %e %H:%M:%S %Y: ", localtime_r(&now, &tm));
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list args;

	if (level > current.level)
		return;
	size_t at = stamp(line, sizeof(line));
	va_start(args, fmt);
	int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	size_t text = (size_t)n < sizeof(line) - at - 2 ? (size_t)n : sizeof(line) - at - 2;
	/* What is logged may quote hostile input: one entry stays one line. */
	for (size_t i = at; i < at + text; i++) {
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			line[i] = ' ';
	}
	if (current.to_syslog)
		syslog((int)level, "%.*s", (int)text, line + at);
	line[at + text] = '\n';
	if (current.to_stderr && write(STDERR_FILENO, line, at + text + 1) < 0)
		return;
}
