/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of threads: capabilities, control groups, memory. */
#include <inttypes.h>

#include "base/cleanup.h"
#include "fields/extract.h"

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

/* Threads may differ. Who enters a user namespace has all there; rules ask what it could do before. */
static uint64_t caps_of(const struct fx *x)
{
	const struct rec_task *t = x->ev->task;
	uint16_t code = x->ev->info->code;
	bool enters = code == EV_SYSCALL_UNSHARE_X || code == EV_SYSCALL_SETNS_X;

	if (t && t->told & PROBE_EXTRA_CAPS && !enters)
		return t->caps[x->which];
	return x->which == CAPS_PERMITTED     ? x->proc->cap_permitted
	       : x->which == CAPS_INHERITABLE ? x->proc->cap_inheritable
					      : x->proc->cap_effective;
}

bool x_thread_caps(const struct fx *x, struct value *ret)
{
	if (!x->proc)
		return false;
	uint64_t caps = caps_of(x);

	if (!caps)
		return fx_text(STR(""), ret);
	struct strbuf b = fx_buf(x, ARRAY_SIZE(cap_names) * 24);

	for (size_t i = 0; i < ARRAY_SIZE(cap_names); i++) {
		if (!(caps >> i & 1))
			continue;
		if (b.len)
			strbuf_addc(&b, ' ');
		strbuf_addz(&b, cap_names[i]);
	}
	return fx_take(&b, ret);
}

bool x_thread_faults(const struct fx *x, struct value *ret)
{
	const struct rec_task *t = x->ev->task;

	if (t && t->told & PROBE_EXTRA_MEMORY) {
		ret->u = x->which ? t->minor_faults : t->major_faults;
		return true;
	}
	int i = event_param(x->ev->info, x->which ? STR("pgft_min") : STR("pgft_maj"));

	if (i < 0 || !x->ev->params[i].ptr)
		return false;
	ret->u = event_u64(x->ev, (unsigned)i, 0);
	return true;
}

bool x_thread_runtime(const struct fx *x, struct value *ret)
{
	const uint64_t *runtime = x->ev->runtime;

	ret->u = runtime ? runtime[x->which] : 0;
	return runtime;
}

bool x_thread_ismain(const struct fx *x, struct value *ret)
{
	ret->b = x->ev->hdr->who.tid == x->ev->hdr->who.pid;
	return true;
}

bool x_thread_nametid(const struct fx *x, struct value *ret)
{
	struct strbuf b = fx_buf(x, 64);

	strbuf_add(&b, proc_name(x, x->proc));
	strbuf_add_u64(&b, x->ev->hdr->who.tid);
	return fx_take(&b, ret);
}

static struct str cgroups(const struct fx *x)
{
	return x->proc && x->proc->cgroups.len ? x->proc->cgroups : x->ev->cgroups;
}

bool x_thread_cgroups(const struct fx *x, struct value *ret)
{
	struct str all = cgroups(x);

	if (!all.len)
		return false;
	if (all.ptr[all.len - 1] == '\0')
		all.len--;
	struct strbuf b = fx_buf(x, all.len);

	strbuf_add(&b, all);
	for (size_t i = 0; i < b.len; i++)
		if (b.ptr[i] == '\0')
			b.ptr[i] = ' ';
	return fx_take(&b, ret);
}

bool x_thread_cgroup(const struct fx *x, struct value *ret)
{
	struct str all = cgroups(x), part, name = x->ref->arg;

	while (all.len && str_split(&all, '\0', &part))
		if (part.len > name.len && part.ptr[name.len] == '=' && str_starts(part, name))
			return fx_text(str_skip(part, name.len + 1), ret);
	return false;
}

bool x_thread_vm(const struct fx *x, struct value *ret)
{
	bool main = x->ev->hdr->who.tid == x->ev->hdr->who.pid;

	if (!x->proc)
		return false;
	ret->u = !main ? 0 : x->which & 1 ? x->proc->vm_rss : x->proc->vm_size;
	if (x->which & 2)
		ret->u *= 1024;
	return true;
}
