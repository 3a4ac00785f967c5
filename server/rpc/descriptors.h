/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The .proto files of our services as descriptors, found by file name or by the full name of anything in
 * them. Immutable once made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct descriptors;

struct descriptor_file {
	struct str name;
	struct str bytes;			/* a serialised FileDescriptorProto */
	const struct descriptor_file **imports; /* directly; NULL-terminated */
	size_t index;				/* less than descriptors_count */
};

/* set: a serialised FileDescriptorSet, each file behind those it imports; borrowed. -ENOMEM, -EBADMSG. */
int descriptors_new(struct str set, struct descriptors **ret);
struct descriptors *descriptors_free(struct descriptors *d);

size_t descriptors_count(const struct descriptors *d);
/* NULL: unknown. */
const struct descriptor_file *descriptors_by_name(const struct descriptors *d, struct str name);
/* *ret_message: it is a message type. NULL: unknown. */
const struct descriptor_file *descriptors_by_symbol(const struct descriptors *d, struct str symbol,
						    bool *ret_message);
