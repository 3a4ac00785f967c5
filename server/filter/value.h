/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields: what extraction gives and what conditions and formats work on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Widths matter: literals are converted for the width of the field (rules-language.md 3.5). */
enum value_type {
	VT_NONE,
	VT_BOOL,
	VT_INT8,
	VT_INT16,
	VT_INT32,
	VT_INT64,
	VT_UINT8,
	VT_UINT16,
	VT_UINT32,
	VT_UINT64,
	VT_DOUBLE,
	VT_RELTIME, /* u: nanoseconds */
	VT_ABSTIME, /* u: nanoseconds since 1970 */
	VT_PORT,    /* u */
	VT_IPADDR,
	VT_IPNET,  /* the address of the event; literals are blocks */
	VT_STRING, /* CHARBUF, FSPATH, FSRELPATH */
	VT_BYTES,
	VT_TYPES,
};

struct ip_addr {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
};

/* The type is the field's; lists hold elements of it. Texts live in the event arena or the event. */
struct value {
	union {
		bool b;
		int64_t i;  /* signed kinds */
		uint64_t u; /* unsigned kinds, times, ports */
		double d;
		struct str s; /* strings, bytes */
		struct ip_addr ip;
		struct {
			const struct value *items;
			uint32_t n;
		} list;
	};
};
