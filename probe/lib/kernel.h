/* SPDX-License-Identifier: (GPL-2.0 OR MIT) */
/*
 * The kernel's types with only the fields we read, in our own order: libbpf relocates every access
 * against the running kernel's BTF (CO-RE), so no generated vmlinux.h and no BTF on the build machine
 * are needed. A name with three underscores is a flavour: the same type as another kernel has it.
 */
#ifndef TIERCEL_PROBE_KERNEL_H
#define TIERCEL_PROBE_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#define INLINE static __attribute__((always_inline)) inline
/* Verified on its own, once; the linker keeps one of the copies of the files that include it. */
#define SHARED __attribute__((weak, noinline))

char LICENSE[] __weak SEC("license") = "Dual MIT/GPL";

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct task_struct *child_reaper;
	unsigned int level;
	struct ns_common ns;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	u32 val;
} kgid_t;

typedef struct {
	u64 val;
} kernel_cap_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
	kernel_cap_t cap_inheritable;
	kernel_cap_t cap_permitted;
	kernel_cap_t cap_effective;
};

struct qstr {
	u64 hash_len;
	u32 hash;
	u32 len;
	const unsigned char *name;
};

struct dentry {
	unsigned int d_flags;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct super_block {
	u32 s_dev;
	unsigned long s_magic;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct inode {
	u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	s64 i_mtime_sec; /* 6.11 */
	s64 i_ctime_sec;
	u32 i_mtime_nsec;
	u32 i_ctime_nsec;
};

struct inode___67 {
	struct timespec64 __i_mtime;
	struct timespec64 __i_ctime;
};

struct inode___50 {
	struct timespec64 i_mtime;
	struct timespec64 i_ctime;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	u32 f_mode;
	struct inode *f_inode;
	unsigned int f_flags;
	struct path f_path;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct percpu_counter {
	s64 count;
};

struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start;
	unsigned long arg_end;
	unsigned long env_start;
	unsigned long env_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4]; /* 6.2 */
};

typedef struct {
	s64 counter;
} atomic_long_t;

typedef struct {
	int counter;
} atomic_t;

struct mm_rss_stat {
	atomic_long_t count[4];
};

struct mm_struct___50 {
	struct mm_rss_stat rss_stat;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_struct {
	struct tty_driver *driver;
	int index;
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct signal_struct {
	atomic_t live;
	unsigned int is_child_subreaper : 1;
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
};

struct kernfs_node {
	u64 id;
	const char *name;
	struct kernfs_node *__parent; /* 6.15 */
};

struct kernfs_node___50 {
	struct kernfs_node *parent;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct cgroup_subsys_state *subsys[16];
};

struct thread_info {
	u32 status;
};

struct list_head {
	struct list_head *next;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct sched_entity {
	u64 sum_exec_runtime;
	u64 prev_sum_exec_runtime; /* when its turn began */
};

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	int exit_code;
	unsigned int flags;
	struct sched_entity se;
	u64 start_boottime;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct list_head children;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct css_set *cgroups;
	kuid_t loginuid;
	unsigned long min_flt;
	unsigned long maj_flt;
};

struct linux_binprm {
	const char *filename;
	const char *fdpath; /* 6.14; the path made up for execveat with a descriptor */
};

union __sifields {
	struct {
		int _pid;
	} _kill; /* other kinds that have a sender have it in the same place */
};

struct kernel_siginfo {
	int si_code;
	union __sifields _sifields;
};

struct in6_addr {
	u8 bytes[16];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	u8 skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	u8 sk_userlocks : 4;
};

struct socket {
	struct sock *sk;
};

struct inet_bind_bucket {
	signed char fastreuse;
};

struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
};

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[1];
};

struct unix_sock {
	struct unix_address *addr;
	struct sock *peer;
};

enum cgroup_subsys_id {
	cpu_cgrp_id,
	pids_cgrp_id,
};

#pragma clang attribute pop

enum {
	AT_FDCWD = -100,
	TS_COMPAT = 2,
	PF_KTHREAD = 0x00200000,
	FMODE_WRITE = 2,
	FMODE_CREATED = 0x100000,
	DCACHE_OP_HASH = 1,
	MAGIC_OVERLAY = 0x794c7630,
	MAGIC_ANON_INODE = 0x09041934,
	MAGIC_PIDFS = 0x50494446,
	LINUX_AF_UNIX = 1,
	LINUX_AF_INET = 2,
	LINUX_AF_INET6 = 10,
	LINUX_AF_NETLINK = 16,
	STATE_ESTABLISHED = 1,
	STATE_LISTEN = 10,
	LINUX_IPPROTO_TCP = 6,
	BINDPORT_LOCK = 8, /* of sk_userlocks: bind gave it its port */
	ID_TGID = 1,	   /* enum pid_type */
	ID_PGID = 2,
	ID_SID = 3,
};

#endif
