/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files: what the sensor saw, for replaying it. Layout, in the byte order of the writing host:
 *
 *	header		magic, version, wall-clock offset, host name, CRC (struct in capture.c)
 *	frames		length, kind, CRC-32 of all of the frame but the CRC, payload padded to 8
 *
 * The first records, up to SCAN_END, are a snapshot of the state (state_snapshot); the events follow. A
 * closed file ends with an end frame that counts the records before it. One thread per file.
 */
#pragma once

#include "base/diag.h"
#include "source/source.h"

struct capture_info {
	uint64_t wall_offset_ns; /* wall clock minus boot clock, at the start of the capture */
	char hostname[256];	 /* terminated */
};

enum capture_outcome {			  /* positive outcomes of capture_reader_next */
		       CAPTURE_E_END = 1, /* the end of a file that was closed */
		       CAPTURE_E_CUT =
			       2, /* the file ends without an end frame; what came before is whole */
};

struct capture_writer;

/*
 * Makes the file (mode 0600, an existing one is emptied) and writes the header. max_bytes: 0 for no limit;
 * at the limit writes give -EFBIG and the file can still be closed.
 */
int capture_writer_open(const char *path, const struct capture_info *info, uint64_t max_bytes,
			struct capture_writer **ret);
/* The first error stays: later writes return it. */
int capture_writer_write(struct capture_writer *w, const struct rec_hdr *rec);
/* What is buffered goes to the file. */
int capture_writer_flush(struct capture_writer *w);
uint64_t capture_writer_bytes(const struct capture_writer *w);
/* Writes the end frame; frees w in any case. NULL is fine. The first error since opening. */
int capture_writer_close(struct capture_writer *w);

struct capture_reader;

/* -EBADMSG with *diag (file, offset): no capture, of another version, or damaged; other errno. */
int capture_reader_open(const char *path, struct capture_reader **ret, struct diag *diag);
/* Takes the descriptor over in any case; name is for diagnostics. */
int capture_reader_open_fd(int fd, const char *name, struct capture_reader **ret,
			   struct diag *diag);
const struct capture_info *capture_reader_info(const struct capture_reader *r);
/*
 * The next record, valid until the next call (8-byte aligned, its length checked, its content not:
 * event_decode does that). 0, a CAPTURE_E_ outcome, -EBADMSG with *diag, other errno.
 */
int capture_reader_next(struct capture_reader *r, const struct rec_hdr **ret, struct diag *diag);
/* Returns NULL. */
struct capture_reader *capture_reader_close(struct capture_reader *r);
