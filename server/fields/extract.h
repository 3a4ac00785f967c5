/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of fields/: what an extract function gets, the variants that fields.def names, and helpers
 * shared between the classes of fields. Texts come from the record, the state, or the event arena;
 * nothing here touches the heap.
 */
#pragma once

#include "base/arena.h"
#include "base/strbuf.h"
#include "fields/catalogue.h"
#include "probe/abi/probe.h"

/* One extraction. */
struct fx {
	const struct fields_event *fe;
	const struct event *ev;
	const struct proc *proc; /* who did it; NULL: unknown */
	const struct field_ref *ref;
	uint32_t which; /* of the row */
	bool resolved;
	struct arena *arena;
};

/* False: no value. */
typedef bool field_fn(const struct fx *x, struct value *ret);

enum { TIME_LOCAL, TIME_LOCAL_S, TIME_ISO, TIME_DATE, TIME_DATE_S };
enum { PART_ALL, PART_S, PART_NS };
enum { RES_TEXT, RES_RAW, RES_FAILED, RES_COUNT };
enum { CLASS_FILE, CLASS_NET, CLASS_MEMORY, CLASS_OTHER };
enum { BUFLEN_ALL = 0, BUFLEN_IN = 1, BUFLEN_OUT = 2, BUFLEN_FILE = 4, BUFLEN_NET = 8 };
enum { OPEN_READ, OPEN_WRITE, OPEN_EXEC, OPEN_CREATE };
enum { TEXT_NAME, TEXT_EXE, TEXT_EXEPATH, TEXT_ARGS, TEXT_CMDLINE, TEXT_EXELINE, TEXT_ENV };
enum { LEAD_SID = 0, LEAD_VPGID = 16, LEAD_PGID = 32, LEAD_KIND = 48 };
enum {
	NUM_TTY,
	NUM_PID,
	NUM_PPID,
	NUM_VPID,
	NUM_PVPID,
	NUM_SID,
	NUM_VPGID,
	NUM_PGID,
	NUM_EXE_INO,
	NUM_FDLIMIT,
	NUM_VMSIZE,
	NUM_VMRSS,
	NUM_VMSWAP,
	NUM_TID,
	NUM_VTID,
	NUM_NTHREADS,
	NUM_NCHILDS,
	NUM_FDS,
};
enum { SPAN_SELF, SPAN_PARENT, START_SELF, START_PARENT };
enum { EXE_WRITABLE = 1, EXE_UPPER_LAYER = 2, EXE_FROM_MEMFD = 4, EXE_LOWER_LAYER = 8 };
enum { EXE_CTIME, EXE_MTIME, EXE_CTIME_TO_START, EXE_PIDNS_TO_CTIME, PIDNS_START };
enum { CAPS_INHERITABLE, CAPS_PERMITTED, CAPS_EFFECTIVE }; /* as in struct rec_task */
enum { USER_NAME, USER_HOME, USER_SHELL };
enum { END_CLIENT, END_SERVER, END_LOCAL, END_REMOTE };
enum { POLLED_NAME, POLLED_CIP, POLLED_SIP, POLLED_CPORT, POLLED_SPORT };
enum { FSP_NAME = 0, FSP_SOURCE = 1, FSP_TARGET = 2, FSP_RAW = 4 };
enum {
	CT_ID,
	CT_FULL_ID,
	CT_NAME,
	CT_TYPE,
	CT_IMAGE,
	CT_IMAGE_ID,
	CT_REPOSITORY,
	CT_TAG,
	CT_DIGEST,
	CT_IP,
	CT_CNI,
	CT_NS_NAME,
	CT_POD_NAME,
	CT_POD_UID,
	CT_SANDBOX_ID,
	CT_FULL_SANDBOX_ID,
	CT_HEALTHCHECK,
	CT_LIVENESS,
	CT_READINESS,
};
enum { CT_PRIVILEGED, CT_HOST_PID, CT_HOST_NETWORK, CT_HOST_IPC };
enum { MOUNT_ALL, MOUNT_SOURCE, MOUNT_DEST, MOUNT_MODE, MOUNT_RDWR, MOUNT_PROPAGATION };

#define FIELD(name, cls, type, flags, arg, print, fn, which, desc) field_fn fn;
#include "fields/fields.def"
#undef FIELD

/* A text of up to cap bytes in the event arena; appends beyond it fail. */
struct strbuf fx_buf(const struct fx *x, size_t cap);
/* Gives what was written; false when it failed. */
bool fx_take(const struct strbuf *b, struct value *ret);
static inline bool fx_text(struct str s, struct value *ret)
{
	ret->s = s;
	return true;
}

/*
 * What rules find in place of a text that should be there but could not be read (rules-language.md 6.7). A
 * text and not nothing: `proc.exepath != /usr/sbin/sshd` must hold for a program that hid its path.
 */
#define FIELD_NO_TEXT STR("<NA>")

/* The type of the language that a parameter of that enum param_type has in evt.rawarg. */
enum value_type fx_raw_type(unsigned param_type);

/* fields_static.c: the position of a declared field; -ENOENT. */
int fx_static_find(struct str name);

/* names.c */
/* Number of the n-th (0, 1) parameter that is a path of the file system, or -1. */
int name_param(const struct event_info *info, unsigned n);
/* Parameter i as an absolute normalised path as given. False: it has no value. */
bool name_given(const struct fx *x, unsigned i, struct value *ret);
/* The same, or, when x asks for resolved names and there is one, that. */
bool name_wanted(const struct fx *x, unsigned i, struct value *ret);
/* Parameter by name with its value; ptr NULL: none. */
struct str param_named(const struct event *ev, const char *name);
/* Bits of a numeric parameter by name; missing when there is none. */
uint64_t param_number(const struct event *ev, const char *name, uint64_t missing);

/* fd.c */
/* Whether the event has a descriptor at all. */
bool fd_available(const struct event *ev);
/* Its kind, letter of fd.typechar; 0: unknown (the call failed). */
char fd_kind(const struct event *ev);
/* Its kind in one word. */
struct str fd_kind_word(const struct event *ev, char kind);
int64_t fd_number(const struct event *ev);
/* The text of fd.name. */
struct str fd_name(const struct fx *x);
bool fd_is_file(const struct event *ev);
bool fd_is_socket(const struct event *ev);

/* proc.c */
struct str proc_name(const struct fx *x, const struct proc *p);
/* Start of the first process of the pid namespace since boot; 0: unknown. */
uint64_t proc_pidns_start(const struct fx *x);
/* A time since boot as wall-clock time. */
uint64_t fx_wall(const struct fx *x, uint64_t boot_ns);

/* user.c */
struct str container_of_event(const struct fx *x);
struct str user_name(const struct fx *x, uint32_t uid);
struct str group_name(const struct fx *x, uint32_t gid);
