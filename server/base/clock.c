/* SPDX-License-Identifier: Apache-2.0 */
/* Times; see clock.h. */
#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_boot_ns(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t clock_boot_offset_ns(void)
{
	/* The reading between two others is off by at most half their distance. */
	uint64_t before = clock_boot_ns();
	uint64_t wall = clock_wall_ns();
	uint64_t after = clock_boot_ns();

	return wall - (before + (after - before) / 2);
}

static void digits(char *to, unsigned n, uint64_t v)
{
	while (n--) {
		to[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

static void print_clock(char *to, unsigned h, unsigned m, unsigned s, uint64_t ns)
{
	digits(to, 2, h);
	to[2] = ':';
	digits(to + 3, 2, m);
	to[5] = ':';
	digits(to + 6, 2, s);
	to[8] = '.';
	digits(to + 9, 9, ns);
}

void clock_print_local(struct strbuf *out, uint64_t wall_ns)
{
	static _Thread_local time_t cached_minute = -1;
	static _Thread_local struct tm cached;
	time_t sec = (time_t)(wall_ns / NS_PER_SEC);
	char text[18];

	if (sec / 60 != cached_minute) {
		time_t start = sec / 60 * 60;

		localtime_r(&start, &cached);
		cached_minute = sec / 60;
	}
	print_clock(text, (unsigned)cached.tm_hour, (unsigned)cached.tm_min,
		    (unsigned)cached.tm_sec + (unsigned)(sec % 60), wall_ns % NS_PER_SEC);
	strbuf_add(out, (struct str){ text, sizeof(text) });
}

void clock_print_iso(struct strbuf *out, uint64_t wall_ns, const char *zone)
{
	static _Thread_local time_t cached_day = -1;
	static _Thread_local struct tm cached;
	time_t sec = (time_t)(wall_ns / NS_PER_SEC);
	unsigned in_day = (unsigned)(sec % 86400);
	char text[29];

	if (sec / 86400 != cached_day) {
		gmtime_r(&sec, &cached);
		cached_day = sec / 86400;
	}
	digits(text, 4, (uint64_t)cached.tm_year + 1900);
	text[4] = '-';
	digits(text + 5, 2, (uint64_t)cached.tm_mon + 1);
	text[7] = '-';
	digits(text + 8, 2, (uint64_t)cached.tm_mday);
	text[10] = 'T';
	print_clock(text + 11, in_day / 3600, in_day / 60 % 60, in_day % 60, wall_ns % NS_PER_SEC);
	strbuf_add(out, (struct str){ text, sizeof(text) });
	strbuf_addz(out, zone);
}
