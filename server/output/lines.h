/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines on their way to a descriptor, sent together. When a write stopped inside a line, the next one
 * starts on a line of its own. Zeroed is empty.
 */
#pragma once

#include "base/strbuf.h"

struct lines {
	struct strbuf text;
	bool torn; /* the descriptor's last byte is not the end of a line */
};

void lines_done(struct lines *l);
/* -ENOMEM: the line is not taken. */
int lines_add(struct lines *l, struct str line);
/* Sends all and forgets them, whatever happened. Waits when fd does not block. 0 or negative errno. */
int lines_send(struct lines *l, int fd);
/* The same, but what has not been sent stays, from the beginning of a line on. */
int lines_try(struct lines *l, int fd);
/* How many there were. */
size_t lines_forget(struct lines *l);
/* A new descriptor: nothing on it is torn. */
void lines_fresh(struct lines *l);
