/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded cases about accounts, events put into the stream from outside the kernel, and plugins. */
#include "base/cleanup.h"
#include "world_build.h"

static void user(struct world *w, uint16_t type, uint32_t uid, const char *name, const char *home,
		 const char *shell)
{
	world_begin(w, type);
	memset(&w->rec.hdr.who, 0, sizeof(w->rec.hdr.who));
	record_u32(&w->rec, uid);
	record_u32(&w->rec, uid);
	record_str(&w->rec, str_of(name));
	record_str(&w->rec, str_of(home));
	record_str(&w->rec, str_of(shell));
	record_param(&w->rec, "", 0);
}

static void user_added(struct world *w, uint32_t uid, const char *name, const char *home,
		       const char *shell)
{
	user(w, EV_USER_ADDED_E, uid, name, home, shell);
	world_feed(w);
}

static void user_deleted(struct world *w, uint32_t uid)
{
	user(w, EV_USER_DELETED_E, uid, "", "", "");
	world_feed(w);
	state_after(w->state, &w->ev);
}

static void open_file(struct world *w)
{
	world_begin(w, EV_SYSCALL_OPEN_X);
	record_i64(&w->rec, 3);
	record_str(&w->rec, STR("/tmp/the_file"));
	record_u32(&w->rec, 3);
	record_u32(&w->rec, 0);
	record_u32(&w->rec, 5);
	record_u64(&w->rec, 123);
	put_fd(w, (struct rec_fd){ .num = 3, .kind = 'f', .dev = 5, .ino = 123 });
}

static void ctx_user_comes_and_goes(struct world *w)
{
	w->who.uid = w->who.gid = 1000;
	user_deleted(w, 0);
	user_added(w, 1000, "foo", "/foo", "/bin/bash");
	if (w->step > 0)
		user_deleted(w, 1000);
	if (w->step > 1)
		user_added(w, 1000, "bar", "/bar", "/bin/bash");
	open_file(w);
}

static void ctx_no_root(struct world *w)
{
	user_deleted(w, 0);
	open_file(w);
}

static void ctx_empty_root(struct world *w)
{
	user_added(w, 0, "", "", "");
	open_file(w);
}

static void ctx_loaded_root(struct world *w)
{
	user_added(w, 0, "root", "/root", "/bin/bash");
	open_file(w);
}

static void ctx_arg_uid(struct world *w)
{
	user_added(w, 5, "test", "/test", "/bin/test");
	if (w->step)
		user_deleted(w, 5);
	world_begin(w, EV_SYSCALL_SETUID_X);
	record_i64(&w->rec, 0);
	record_u32(&w->rec, 5);
}

static void ctx_open(struct world *w)
{
	open_file(w);
}

/* ---- events from outside the kernel ---- */

static void ctx_notification(struct world *w)
{
	world_begin(w, EV_NOTIFICATION_E);
	put_none(w);
	record_str(&w->rec, STR("data"));
}

static void ctx_user_added(struct world *w)
{
	user(w, EV_USER_ADDED_E, 0, "root", "/root", "/bin/bash");
}

static void ctx_plugin_event(struct world *w)
{
	world_begin(w, EV_PLUGINEVENT_E);
	record_u32(&w->rec, w->num == 3 ? 1 : 999);
	record_param(&w->rec, "data", 4);
}

static void async(struct world *w, uint32_t plugin, const char *name)
{
	world_begin(w, EV_ASYNCEVENT_E);
	record_u32(&w->rec, plugin);
	record_str(&w->rec, str_of(name));
	record_param(&w->rec, "data", 4);
}

static void ctx_async(struct world *w)
{
	static const uint32_t plugins[] = { 0, 999, 1 };

	async(w, plugins[w->num - 5], "sampleasync");
}

static void ctx_ticker(struct world *w)
{
	async(w, 0, "sampleticker");
}

const struct context notice_contexts[] = {
	{ "event_category", 3, ctx_notification, false },
	{ "event_sources", 1, ctx_open, false },
	{ "event_sources", 2, ctx_user_added, false },
	{ "event_sources", 3, ctx_plugin_event, false },
	{ "event_sources", 4, ctx_plugin_event, false },
	{ "event_sources", 5, ctx_async, false },
	{ "event_sources", 6, ctx_async, false },
	{ "event_sources", 7, ctx_async, false },
	{ "EVT_FILTER_check_evt_arg_uid", 1, ctx_arg_uid, false },
	{ "STATIC_FILTER_suggested_output", 1, ctx_open, false },
	{ "STATIC_FILTER_filter", 1, ctx_open, false },
	{ "USER_FILTER_extract_from_existent_user_entry", 1, ctx_user_comes_and_goes, false },
	{ "USER_FILTER_extract_from_default_user_entry", 1, ctx_no_root, false },
	{ "USER_FILTER_extract_from_existent_user_entry_without_metadata", 1, ctx_empty_root,
	  false },
	{ "USER_FILTER_extract_from_loaded_user_entry", 1, ctx_loaded_root, false },
	{ "plugin_syscall_extract", 1, ctx_open, false },
	{ "plugin_syscall_source", 0, ctx_open, false },
	{ "plugin_custom_source", 0, ctx_plugin_event, false },
	{ "plugin_syscall_async", 0, ctx_ticker, false },
	{ 0 },
};
