/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of events and a decoded view of one record. The view borrows the record's bytes and is valid
 * as long as they are. Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bitset.h"
#include "base/limits.h"
#include "base/str.h"
#include "probe/abi/key.h"
#include "probe/abi/record.h"

/* Types of parameters, Falco's names. */
enum param_type {
	PT_INT8,
	PT_INT16,
	PT_INT32,
	PT_INT64,
	PT_UINT8,
	PT_UINT16,
	PT_UINT32,
	PT_UINT64,
	PT_CHARBUF,
	PT_BYTEBUF,
	PT_ERRNO,
	PT_SOCKADDR,
	PT_SOCKTUPLE,
	PT_FD,
	PT_PID,
	PT_FDLIST,
	PT_FSPATH,
	PT_SYSCALLID,
	PT_SIGTYPE,
	PT_RELTIME,
	PT_ABSTIME,
	PT_PORT,
	PT_BOOL,
	PT_DOUBLE,
	PT_UID,
	PT_GID,
	PT_FLAGS8,
	PT_FLAGS16,
	PT_FLAGS32,
	PT_ENUMFLAGS8,
	PT_ENUMFLAGS16,
	PT_ENUMFLAGS32,
	PT_MODE,
	PT_FSRELPATH,
	PT_DYN,
	PT_SIGSET,
	PT_IPV4ADDR,
	PT_IPV6ADDR,
	PT_CHARBUFARRAY,
	PT_CHARBUF_PAIR_ARRAY,
};

enum param_format { PF_NA, PF_DEC, PF_HEX, PF_OCT };

struct flag_name {
	const char *name;
	uint32_t value;
};

struct flag_table {
	const char *name;
	const struct flag_name *rows; /* in the order in which texts are made */
	size_t n;
};

struct param_info {
	const char *name;
	uint8_t type;	/* enum param_type */
	uint8_t format; /* enum param_format */
	int8_t dirfd;	/* number of the parameter with the directory of this name, or -1 */
	const struct flag_table *flags; /* or NULL */
};

enum event_flag {
	EVF_CREATES_FD = 1 << 0,
	EVF_USES_FD = 1 << 1,
	EVF_DESTROYS_FD = 1 << 2,
	EVF_MODIFIES_STATE = 1 << 3,
	EVF_READS_FROM_FD = 1 << 4,
	EVF_WRITES_TO_FD = 1 << 5,
	EVF_WAITS = 1 << 6,
	EVF_SKIPPARSERESET = 1 << 7,
	EVF_LARGE_PAYLOAD = 1 << 8,
};

enum event_dir { EVD_ENTER, EVD_EXIT };
enum event_state { EVS_CURRENT, EVS_OLD, EVS_UNUSED };
enum event_kind { EVK_SYSCALL, EVK_TRACEPOINT, EVK_META, EVK_ITER, EVK_PLUGIN, EVK_NONE, EVK_OURS };
enum event_category {
	EVC_UNKNOWN,
	EVC_OTHER,
	EVC_FILE,
	EVC_NET,
	EVC_IPC,
	EVC_WAIT,
	EVC_SIGNAL,
	EVC_SLEEP,
	EVC_TIME,
	EVC_PROCESS,
	EVC_SCHEDULER,
	EVC_MEMORY,
	EVC_USER,
	EVC_SYSTEM,
	EVC_IO_READ,
	EVC_IO_WRITE,
	EVC_IO_OTHER,
	EVC_INTERNAL,
};

struct event_info {
	const char *name; /* evt.type; NULL: no such code */
	const char *syscalls;
	const struct param_info *params;
	uint16_t code;
	uint8_t nparams;
	uint8_t dir;	  /* enum event_dir */
	uint8_t state;	  /* enum event_state */
	uint8_t kind;	  /* enum event_kind */
	uint8_t category; /* enum event_category */
	uint16_t flags;	  /* enum event_flag */
};

struct syscall_info {
	const char *name;  /* the kernel's */
	const char *type;  /* evt.type as rules see it */
	const char *codes; /* all event codes, blank-separated */
	uint16_t exit;	   /* current exit event, EV_GENERIC_X without one of its own */
	bool state;
	bool io;
};

/* NULL for a code without a row. */
const struct event_info *event_info(unsigned code);
const struct flag_table *flag_table_find(struct str name);
const struct syscall_info *syscall_infos(size_t *ret_n);
/* By the kernel's name; NULL when unknown. */
const struct syscall_info *syscall_find(struct str name);
/* The kernel's name of a call of libseccomp's architecture, to be freed; NULL when unknown. */
char *syscall_name_at(uint32_t arch, int nr);
/* By the number it has on this machine, or in its 32-bit table (REC_F_32BIT); NULL when unknown. */
const struct syscall_info *syscall_by_number(unsigned nr, bool is_32bit);
/*
 * Event codes that a literal of evt.type stands for: every version and direction of the event of that
 * name, or the codes of that syscall (rules-language.md 5.1). False: unknown.
 */
bool event_codes_named(struct str name, struct bitset *ret_codes);

struct event_stdio {
	const struct rec_fd *fd; /* NULL: closed, or not told */
	struct str path;
};

struct event {
	const struct rec_hdr *hdr;
	const struct event_info *info;
	uint64_t num;			 /* evt.num, from 1; given by the pipeline */
	uint64_t wall_ns;		 /* hdr->ts_ns as wall-clock time; given by the pipeline */
	struct str params[LIMIT_PARAMS]; /* ptr NULL: no value */
	struct str base, path, base2, path2, cwd, cgroups; /* extras; ptr NULL: absent */
	const struct rec_fd *fd;			   /* aligned to 8, or NULL */
	const struct probe_keys *keys;			   /* likewise; of opens */
	const struct rec_exec *exec;			   /* likewise */
	const struct rec_task *task;			   /* likewise */
	struct str
		kinds; /* of descriptors by their number, NUL for a closed one; ptr NULL: absent */
	struct str polled; /* see record.h; aligned to 8; ptr NULL: absent */
	uint32_t sid;	   /* 0: absent */
	struct event_stdio stdio[3];
	const uint64_t *caps;	 /* inheritable, permitted, effective; NULL: absent */
	const uint64_t *runtime; /* of the thread and of its last turn, in ns; NULL: absent */
	const void *proc; /* struct proc of state/, set by the pipeline: who did it; NULL unknown */
};

/*
 * Checks every length against `len` bytes at `rec` (8-byte aligned) and fills the view. -EBADMSG for
 * anything that does not add up; unknown extras are skipped.
 */
int event_decode(const void *rec, size_t len, struct event *ret_event);

/* Bytes of a number of that type as it is in a record; 0 for types that are not numbers. */
unsigned param_width(enum param_type type);
/* Parameter i as a number in its width (of a DYN, what is inside); `missing` when absent. */
int64_t event_i64(const struct event *e, unsigned i, int64_t missing);
uint64_t event_u64(const struct event *e, unsigned i, uint64_t missing);
/* Number of the parameter of that name, or -1. */
int event_param(const struct event_info *info, struct str name);

/*
 * Putting records together (the /proc scan, metadata, tests). Usage: record_begin, record_param for each
 * parameter in order, record_extra, record_end.
 */
struct record_builder {
	struct rec_hdr hdr;
	uint16_t lens[LIMIT_PARAMS];
	struct rec_ext exts[LIMIT_PARAMS];
	size_t used; /* of data */
	bool failed;
	uint8_t data[LIMIT_RECORD_BYTES - 1024];
	uint64_t out[LIMIT_RECORD_BYTES / 8]; /* the finished record */
};

void record_begin(struct record_builder *b, uint16_t type, uint64_t ts_ns,
		  const struct rec_ident *who);
void record_param(struct record_builder *b, const void *data, size_t len); /* data NULL: no value */
void record_str(struct record_builder *b, struct str s); /* s.ptr NULL: no value */
void record_i64(struct record_builder *b, int64_t v);
void record_u64(struct record_builder *b, uint64_t v);
void record_u32(struct record_builder *b, uint32_t v);
void record_extra(struct record_builder *b, uint16_t tag, const void *data, size_t len);
/* The finished record inside the builder, valid until the next begin; NULL when it was too long. */
const struct rec_hdr *record_end(struct record_builder *b);
