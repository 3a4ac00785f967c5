/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own log; see log.h. A line is put together first and written by one call. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

/* One word, so that a line sees settings that belong together: the level, then one bit each. */
enum { TO_STDERR = 8, TO_SYSLOG = 16, ISO_8601 = 32 };

static _Atomic unsigned current = LOG_LEVEL_INFO | TO_STDERR;

void log_init(const struct log_settings *settings)
{
	unsigned word = (unsigned)settings->level & 7;

	word |= settings->to_stderr ? TO_STDERR : 0;
	word |= settings->to_syslog ? TO_SYSLOG : 0;
	word |= settings->iso_8601 ? ISO_8601 : 0;
	atomic_store_explicit(&current, word, memory_order_relaxed);
}

static size_t stamp(char *to, size_t size, bool iso_8601)
{
	time_t now = time(NULL);
	struct tm tm;

	if (iso_8601)
		return strftime(to, size, "%Y-%m-%dT%H:%M:%S+0000: ", gmtime_r(&now, &tm));
	return strftime(to, size, "%a %b %e %H:%M:%S %Y: ", localtime_r(&now, &tm));
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[2048];
	va_list args;

	unsigned settings = atomic_load_explicit(&current, memory_order_relaxed);

	if ((unsigned)level > (settings & 7))
		return;
	size_t at = stamp(line, sizeof(line), settings & ISO_8601);
	va_start(args, fmt);
	int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	size_t text = (size_t)n < sizeof(line) - at - 2 ? (size_t)n : sizeof(line) - at - 2;
	/* What is logged may quote hostile input: one entry stays one line. */
	for (size_t i = at; i < at + text;) {
		unsigned len = utf8_sequence((struct str){ line + i, at + text - i });

		if (len == 0)
			line[i] = '?';
		else if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			line[i] = ' ';
		i += len ? len : 1;
	}
	if (settings & TO_SYSLOG)
		syslog((int)level, "%.*s", (int)text, line + at);
	line[at + text] = '\n';
	if (settings & TO_STDERR && write(STDERR_FILENO, line, at + text + 1) < 0)
		return;
}
