/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the worlds of recorded cases, put together as the probe and the scan of /proc do. */
#include "world_build.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

void world_die(const char *what)
{
	fprintf(stderr, "run_fields: %s\n", what);
	exit(1);
}

/* Ends the record in the builder and gives it to the state; it is the current event then. */
void world_feed(struct world *w)
{
	const struct rec_hdr *hdr = record_end(&w->rec);

	if (!hdr || event_decode(hdr, hdr->len, &w->ev) < 0)
		world_die("a record is wrong");
	w->ev.num = w->num;
	w->ev.wall_ns = hdr->ts_ns + w->wall_offset;
	state_before(w->state, &w->ev);
}

void world_begin(struct world *w, uint16_t type)
{
	record_begin(&w->rec, type, w->ts, &w->who);
	w->rec.hdr.cpu = 1;
}

void put_none(struct world *w)
{
	record_param(&w->rec, NULL, 0);
}

void put_fd(struct world *w, struct rec_fd fd)
{
	record_extra(&w->rec, REC_X_FD, &fd, sizeof(fd));
}

void put_text(struct world *w, uint16_t tag, const char *text)
{
	record_extra(&w->rec, tag, text, strlen(text));
}

void world_who(struct world *w, uint32_t pid, uint32_t ppid, uint32_t vpid, const char *comm)
{
	w->who = (struct rec_ident){
		.start_ns = pid,
		.parent_start_ns = ppid,
		.pid = pid,
		.tid = pid,
		.ppid = ppid,
		.vpid = vpid,
		.vtid = vpid,
	};
	snprintf(w->who.comm, sizeof(w->who.comm), "%s", comm);
}

void world_scan(struct world *w, const char *exe, struct str args, const char *cwd, struct str env)
{
	world_begin(w, EV_TASK_SCAN);
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, args.ptr, args.len);
	record_param(&w->rec, env.ptr, env.len);
	record_str(&w->rec, str_of(cwd));
	record_str(&w->rec, str_of(exe));
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_i64(&w->rec, 0);
	record_i64(&w->rec, w->who.vpid);
	for (unsigned i = 0; i < 6; i++)
		record_u64(&w->rec, 0);
	record_u32(&w->rec, 0);
	record_u64(&w->rec, 1024);
	for (unsigned i = 0; i < 3; i++)
		record_u32(&w->rec, 0);
	put_none(w);
	world_feed(w);
}

void world_account(struct world *w, uint32_t uid, const char *name)
{
	world_begin(w, EV_USER_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, uid);
	record_u32(&w->rec, uid);
	record_str(&w->rec, str_of(name));
	record_param(&w->rec, "/", 1);
	record_param(&w->rec, "/bin/sh", 7);
	world_feed(w);
}

void world_accounts(struct world *w)
{
	world_account(w, 0, "root");
	world_account(w, 5, "games");
	world_begin(w, EV_GROUP_ENTRY);
	record_param(&w->rec, "", 0);
	record_u32(&w->rec, 0);
	record_str(&w->rec, STR("root"));
	world_feed(w);
}

void world_init(struct world *w)
{
	world_who(w, 1, 0, 1, "init");
	world_scan(w, "/sbin/init", STR(""), "/root", STR(""));
}

void world_exec(struct world *w, const struct exec *e)
{
	struct record_builder *r = &w->rec;

	world_begin(w, EV_SYSCALL_EXECVE_19_X);
	record_i64(r, 0);
	record_str(r, str_of(e->exe));
	record_param(r, e->args.ptr ? e->args.ptr : "", e->args.len);
	record_i64(r, w->who.tid);
	record_i64(r, w->who.pid);
	record_i64(r, e->ptid);
	record_str(r, str_of(e->cwd));
	record_u64(r, e->fdlimit);
	record_u64(r, 0);
	record_u64(r, e->min_faults);
	record_u32(r, e->vm_size);
	record_u32(r, e->vm_rss);
	record_u32(r, 0);
	record_str(r, str_of(e->comm));
	record_param(r, "", 0);
	record_param(r, e->env.ptr ? e->env.ptr : "", e->env.len);
	record_u32(r, e->tty);
	record_i64(r, e->vpgid);
	record_u32(r, w->who.loginuid);
	record_u32(r, e->flags);
	for (unsigned i = 0; i < 3; i++)
		record_u64(r, 0);
	record_u64(r, e->exe_ino);
	record_u64(r, e->exe_ctime);
	record_u64(r, e->exe_mtime);
	record_u32(r, w->who.uid);
	record_str(r, str_of(e->exepath ? e->exepath : e->exe));
	record_i64(r, e->pgid);
	record_u32(r, w->who.gid);
	record_str(r, str_of(e->exe));
}
