/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of sub or get (falco.outputs.service): what its files share. A stream is a number that moves when a
 * write has completed; one write is under way at a time, so a slow client holds one reference and delays
 * nobody. What is no longer in memory comes from the journal, a page at a time.
 *
 *	stream_start.c	what the first request asks for, acks
 *	stream.c	the next alert, and when to go on
 *	stream_tell.c	messages of our own: losses, bookmarks
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "journal/journal.h"
#include "outputs.pb-c.h"

struct rpc_call;
struct select;

enum stream_write { WRITE_ALERT, WRITE_LOSS, WRITE_MARK };

enum {
	STREAM_OUTSTANDING = 4096, /* largest max_outstanding */
	STREAM_CONSUMER = 200,	   /* bytes of a consumer's name */
	STREAM_HEARTBEAT_MS = 100, /* shortest */
	STREAM_SCAN = 512,	   /* alerts looked at in one turn of the loop */
};

struct stream {
	bool legacy;  /* an empty first request: no fields from 100 on */
	bool control; /* lost and bookmark may be sent */
	bool follow;
	bool begun;
	bool seeking;	/* the journal looks for the start */
	bool taken;	/* another stream has the consumer now */
	bool ack_due;	/* tell what is acknowledged */
	bool confirmed; /* acked_told was told */
	enum stream_write writing;
	struct select *select; /* NULL: everything */
	char *key;	       /* of the consumer's mark; NULL: none */
	uint64_t nsent, nlost; /* alerts sent, and told to be lost */
	uint64_t next_seq;     /* first number not dealt with */
	uint64_t place;	       /* where it may be in the backlog */
	uint64_t target;       /* end behind this number */
	uint64_t since_ns, until_ns;
	uint64_t heartbeat_ns, told_ns; /* told: the last position, boot time */
	struct gap lost;		/* to be told; reason LOSS_UNSPECIFIED: nothing */

	struct journal_page *page; /* what came from the journal */
	size_t page_at;
	bool reading;
	uint64_t disk_end; /* the journal has nothing from next_seq up to here */

	/* Numbers sent and not acknowledged, as a ring; only with max_outstanding. */
	uint64_t *sent;
	size_t sent_first, sent_n, max_outstanding;
	uint64_t acked_told;

	/* next_seq at mark_ns, and at the mark before; some seconds apart (legacy). */
	uint64_t mark_ns, mark_seq, old_seq;
};

struct stream *stream_free(struct stream *s);

/* stream_start.c. 0; -EINVAL with the fault in *d; -ENOMEM. */
int stream_begin(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d);
int stream_ack(struct rpc_call *call, const Falco__Outputs__Request *q, struct diag *d);
/* The journal has found the start. */
void stream_found(struct rpc_call *call, const struct journal_page *p);

/* stream_tell.c: each starts a write. */
void tell_loss(struct rpc_call *call);
void tell_bookmark(struct rpc_call *call);
/* Field 100 of a response, packed. */
enum { POSITION_BYTES = 32 };
size_t pack_position(uint64_t epoch, uint64_t seq, uint8_t out[POSITION_BYTES]);

/* Saves where legacy streams are (cursors.h) as the journal's marks; loads them. */
struct rpc_shared;
void streams_save(struct rpc_shared *shared);
void streams_load(struct rpc_shared *shared);
