/* SPDX-License-Identifier: Apache-2.0 */
/* Values of fields, by rows.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "event/text.h"
#include "fields/catalogue.h"
#include "filter/format.h"
#include "filter/parser.h"
#include "rows.h"

static void openat_event(int64_t fd, const char *name, uint32_t flags)
{
	begin(EV_SYSCALL_OPENAT_2_X);
	record_i64(&rec, fd);
	record_i64(&rec, AT_FDCWD);
	record_str(&rec, str_of(name));
	record_u32(&rec, flags);
	record_u32(&rec, 0755);
	record_u32(&rec, 5);
	record_u64(&rec, 77);
}

static void open_ok(void)
{
	openat_event(3, "sub/..//x.txt", 0x4003 | 4);
	add_path(REC_X_BASE, "/root");
	add_path(REC_X_PATH, "/srv/real.txt");
	add_fd('f', 3, REC_FD_UPPER);
}

static void open_enoent(void)
{
	openat_event(-ENOENT, "/etc//nosuch", 1);
}

static void open_eperm(void)
{
	openat_event(-EPERM, "/etc/nosuch", 1);
}

static void open_nobase(void)
{
	openat_event(4, "x", 1);
	add_fd('f', 4, 0);
}

/* The caller's memory with the name could not be read. */
static void open_unread(void)
{
	begin(EV_SYSCALL_OPEN_X);
	record_i64(&rec, 3);
	record_param(&rec, NULL, 0);
	record_u32(&rec, 1);
	record_u32(&rec, 0);
	record_u32(&rec, 0);
	record_u64(&rec, 0);
	add_path(REC_X_PATH, "/etc/shadow");
	add_fd('f', 3, 0);
}

static void open_fifo(void)
{
	openat_event(4, "/run/./fifo", 1);
	add_path(REC_X_PATH, "/run/fifo");
	add_fd('p', 4, 0);
}

static void handle_event(void)
{
	begin(EV_SYSCALL_OPEN_BY_HANDLE_AT_X);
	record_i64(&rec, 3);
	record_i64(&rec, 5);
	record_u32(&rec, 1);
	record_str(&rec, STR("/tmp/h"));
	record_u32(&rec, 0);
	record_u64(&rec, 0);
	add_fd('f', 3, 0);
}

static void splice_event(void)
{
	begin(EV_SYSCALL_SPLICE_X);
	record_i64(&rec, 0);
	record_i64(&rec, 1);
	record_i64(&rec, 2);
	record_u64(&rec, 512);
	record_u32(&rec, 0);
}

static void fchmod_event(void)
{
	begin(EV_SYSCALL_FCHMOD_X);
	record_i64(&rec, 0);
	record_i64(&rec, 3);
	record_u32(&rec, 0x800);
	add_path(REC_X_PATH, "/usr/bin/x");
	add_fd('f', 3, 0);
}

static void unlinkat_event(void)
{
	begin(EV_SYSCALL_UNLINKAT_2_X);
	record_i64(&rec, 0);
	record_i64(&rec, 9);
	record_str(&rec, STR("f"));
	record_u32(&rec, 0);
	add_path(REC_X_BASE, "/tmp/d");
	add_path(REC_X_PATH, "/tmp/d/f");
	add_fd('d', 9, 0);
}

static void link_event(void)
{
	begin(EV_SYSCALL_LINK_2_X);
	record_i64(&rec, 0);
	record_str(&rec, STR("/old"));
	record_str(&rec, STR("new"));
	add_path(REC_X_PATH, "/real/old");
	add_path(REC_X_BASE2, "/b");
	add_path(REC_X_PATH2, "/b/new");
}

static void symlink_event(void)
{
	begin(EV_SYSCALL_SYMLINK_X);
	record_i64(&rec, 0);
	record_str(&rec, STR("../target"));
	record_str(&rec, STR("l"));
	add_path(REC_X_BASE, "/b");
}

static void inet(uint8_t kind, uint8_t flags, bool listening)
{
	struct rec_fd fd = {
		.num = 4, .kind = kind, .l4 = IPPROTO_TCP, .flags = flags, .family = AF_INET
	};

	if (kind == '6') {
		fd.family = AF_INET6;
		fd.local_addr[10] = fd.local_addr[11] = 0xff;
		fd.remote_addr[10] = fd.remote_addr[11] = 0xff;
	}
	unsigned at = kind == '6' ? 12 : 0;

	memcpy(fd.local_addr + at, (uint8_t[]){ 10, 0, 0, 1 }, 4);
	fd.local_port = 54321;
	if (!listening) {
		memcpy(fd.remote_addr + at, (uint8_t[]){ 1, 2, 3, 4 }, 4);
		fd.remote_port = 443;
	}
	record_extra(&rec, REC_X_FD, &fd, sizeof(fd));
}

static void connect_params(void)
{
	begin(EV_SOCKET_CONNECT_X);
	record_i64(&rec, 0);
	record_param(&rec, NULL, 0);
	record_i64(&rec, 4);
	record_param(&rec, NULL, 0);
}

static void connect_event(void)
{
	connect_params();
	inet('4', REC_FD_CLIENT | REC_FD_CONNECTED, false);
}

/* Refused: the socket has no peer, only the parameter tells where it should have gone. */
static void connect_failed(void)
{
	struct rec_fd fd = {
		.num = 4,
		.kind = '4',
		.l4 = IPPROTO_TCP,
		.flags = REC_FD_CLIENT,
		.family = AF_INET,
		.local_addr = { 10, 0, 0, 1 },
		.local_port = 7,
	};

	begin(EV_SOCKET_CONNECT_X);
	record_i64(&rec, -ECONNREFUSED);
	record_param(&rec, NULL, 0);
	record_i64(&rec, 4);
	record_param(&rec, (uint8_t[]){ AF_INET, 1, 2, 3, 4, 187, 1 }, 7);
	record_extra(&rec, REC_X_FD, &fd, sizeof(fd));
}

static void connect_mapped(void)
{
	connect_params();
	inet('6', REC_FD_CLIENT | REC_FD_CONNECTED, false);
}

static void accept_event(void)
{
	begin(EV_SOCKET_ACCEPT4_6_X);
	record_i64(&rec, 4);
	for (unsigned i = 0; i < 5; i++)
		record_param(&rec, NULL, 0);
	inet('4', REC_FD_SERVER | REC_FD_CONNECTED, false);
}

static void listen_event(void)
{
	begin(EV_SOCKET_LISTEN_X);
	record_i64(&rec, 0);
	record_i64(&rec, 4);
	record_u32(&rec, 5);
	inet('4', REC_FD_LISTENING, true);
}

static void unix_connect(void)
{
	struct rec_fd fd = {
		.num = 5, .kind = 'u', .family = AF_UNIX, .unix_self = 0xab, .unix_peer = 0xcd
	};

	connect_params();
	add_path(REC_X_PATH, "/run/s");
	record_extra(&rec, REC_X_FD, &fd, sizeof(fd));
}

static void read_event(void)
{
	begin(EV_SYSCALL_READ_X);
	record_i64(&rec, 5);
	record_param(&rec, "a\0b\xff\n", 5);
	record_i64(&rec, 0);
	record_u32(&rec, 10);
	add_path(REC_X_PATH, "/dev/null");
	add_fd('f', 0, 0);
}

static void generic_event(void)
{
	begin(EV_GENERIC_X);
	record_param(&rec, &(uint16_t){ 99 }, 2);
	record_param(&rec, &(uint16_t){ 99 }, 2);
	rec.hdr.syscall = 99;
}

/* A call of which nothing could be read but that it succeeded. */
static void unread(uint16_t type)
{
	begin(type);
	record_i64(&rec, 0);
	for (unsigned i = 1; i < event_info(type)->nparams; i++)
		record_param(&rec, NULL, 0);
}

static void unread_exec(void)
{
	unread(EV_SYSCALL_EXECVE_19_X);
}

static void unread_open(void)
{
	unread(EV_SYSCALL_OPEN_X);
}

static void setuid_event(void)
{
	begin(EV_SYSCALL_SETUID_X);
	record_i64(&rec, -EPERM);
	record_u32(&rec, 5);
}

static void container_event(void)
{
	setuid_event();
	self_proc.container_id = STR("0123456789ab");
}

static void orphan_event(void)
{
	setuid_event();
	self_proc.parent = NULL;
}

static const struct row rows[] = {
	{ open_ok, "fd.name", NULL, false, "/root/x.txt" },
	{ open_ok, "fd.name", NULL, true, "/srv/real.txt" },
	{ open_ok, "fd.nameraw", NULL, false, "sub/../x.txt" },
	{ open_ok, "fd.directory", NULL, false, "/root" },
	{ open_ok, "fd.directory", NULL, true, "/srv" },
	{ open_ok, "fd.filename", NULL, true, "real.txt" },
	{ open_ok, "fd.num", NULL, false, "3" },
	{ open_ok, "fd.type", NULL, false, "file" },
	{ open_ok, "fd.typechar", NULL, false, "f" },
	{ open_ok, "fd.types", NULL, false, "file" },
	{ open_ok, "fd.types", "4", false, NULL },
	{ open_ok, "fd.ino", NULL, false, "77" },
	{ open_ok, "fd.dev.major", NULL, false, "8" },
	{ open_ok, "fd.dev.minor", NULL, false, "1" },
	{ open_ok, "fd.is_upper_layer", NULL, false, "true" },
	{ open_ok, "fd.is_server", NULL, false, "false" },
	{ open_ok, "fd.connected", NULL, false, "false" },
	{ open_ok, "fd.sockfamily", NULL, false, NULL },
	{ open_ok, "fd.l4proto", NULL, false, "<NA>" },
	{ open_ok, "fd.sip", NULL, false, NULL },
	{ open_ok, "fd.ip", NULL, false, NULL },
	{ open_ok, "fd.uid", NULL, false, "313" },
	{ open_ok, "fd.containername", NULL, false, ":/root/x.txt" },
	{ open_ok, "fs.path.name", NULL, false, "/root/x.txt" },
	{ open_ok, "fs.path.name", NULL, true, "/srv/real.txt" },
	{ open_ok, "fs.path.nameraw", NULL, true, "sub/..//x.txt" },
	{ open_ok, "fs.path.source", NULL, false, NULL },
	{ open_ok, "evt.abspath", NULL, false, "/root/x.txt" },
	{ open_ok, "evt.abspath", "src", false, NULL },
	{ open_ok, "evt.arg", "name", false, "/root/x.txt" },
	{ open_ok, "evt.arg", "name", true, "/srv/real.txt" },
	{ open_ok, "evt.arg", "fd", false, "<f>/root/x.txt" },
	{ open_ok, "evt.arg", "1", false, "AT_FDCWD" },
	{ open_ok, "evt.arg", "flags", false, "O_CREAT|O_RDWR|O_F_CREATED" },
	{ open_ok, "evt.arg", "mode", false, "0755" },
	{ open_ok, "evt.arg", "res", false, NULL },
	{ open_ok, "evt.arg", "99", false, NULL },
	{ open_ok, "evt.rawarg", "flags", false, "16391" },
	{ open_ok, "evt.rawarg", "mode", false, "493" },
	{ open_ok, "evt.is_open_read", NULL, false, "true" },
	{ open_ok, "evt.is_open_write", NULL, false, "true" },
	{ open_ok, "evt.is_open_exec", NULL, false, "true" },
	{ open_ok, "evt.is_open_create", NULL, false, "true" },
	{ open_ok, "evt.type", NULL, false, "openat" },
	{ open_ok, "evt.type.is", "openat", false, "1" },
	{ open_ok, "evt.type.is", "open", false, "0" },
	{ open_ok, "evt.category", NULL, false, "file" },
	{ open_ok, "evt.res", NULL, false, "SUCCESS" },
	{ open_ok, "evt.rawres", NULL, false, "3" },
	{ open_ok, "evt.io_dir", NULL, false, NULL },
	{ open_ok, "evt.num", NULL, false, "17" },
	{ open_ok, "evt.cpu", NULL, false, "2" },
	{ open_ok, "evt.dir", NULL, false, "<" },
	{ open_ok, "evt.time", NULL, false, "16:00:00.010000000" },
	{ open_ok, "evt.time.s", NULL, false, "16:00:00" },
	{ open_ok, "evt.datetime", NULL, false, "2019-08-19 16:00:00.010000000" },
	{ open_ok, "evt.datetime.s", NULL, false, "2019-08-19 16:00:00" },
	{ open_ok, "evt.time.iso8601", NULL, false, "2019-08-19T16:00:00.010000000+0000" },
	{ open_ok, "evt.rawtime", NULL, false, "1566230400010000000" },
	{ open_ok, "evt.rawtime.ns", NULL, false, "10000000" },
	{ open_ok, "evt.reltime", NULL, false, "9000" },
	{ open_ok, "evt.deltatime", NULL, false, "500" },
	{ open_ok, "evt.hostname", NULL, false, "box" },
	{ open_ok, "evt.source", NULL, false, "syscall" },
	{ open_ok, "evt.around", "1566230400000000000", false, "10" },
	{ open_ok, "evt.count.error", NULL, false, "0" },
	{ open_ok, "evt.buffer", NULL, false, NULL },

	{ open_enoent, "fd.name", NULL, false, "/etc/nosuch" },
	{ open_enoent, "fd.nameraw", NULL, false, "/etc/nosuch" },
	{ open_enoent, "fd.directory", NULL, false, "/etc" },
	{ open_enoent, "fd.filename", NULL, false, NULL },
	{ open_enoent, "fd.num", NULL, false, "-1" },
	{ open_enoent, "fd.type", NULL, false, NULL },
	{ open_enoent, "fd.typechar", NULL, false, "f" },
	{ open_enoent, "fs.path.name", NULL, false, "/etc/nosuch" },
	{ open_enoent, "evt.arg", "fd", false, "ENOENT" },
	{ open_enoent, "evt.res", NULL, false, "ENOENT" },
	{ open_enoent, "evt.rawres", NULL, false, "-2" },
	{ open_enoent, "evt.failed", NULL, false, "true" },
	{ open_enoent, "evt.count.error.file", NULL, false, "1" },
	{ open_enoent, "evt.count.error.net", NULL, false, NULL },
	{ open_eperm, "fs.path.name", NULL, false, NULL },
	{ open_eperm, "fd.num", NULL, false, "-1" },
	{ open_nobase, "fd.name", NULL, false, "/root/x" },
	{ open_nobase, "fd.name", NULL, true, "/root/x" },

	{ open_unread, "fd.name", NULL, false, "/etc/shadow" },
	{ open_unread, "fs.path.name", NULL, false, "/etc/shadow" },
	{ open_fifo, "fd.name", NULL, false, "/run/fifo" },
	{ open_fifo, "fd.type", NULL, false, "pipe" },
	{ open_fifo, "fd.directory", NULL, false, NULL },
	{ handle_event, "fd.name", NULL, false, "/tmp/h" },
	{ handle_event, "evt.abspath", NULL, false, "/tmp/h" },
	{ splice_event, "evt.rawarg", "size", false, "512" },
	{ splice_event, "evt.rawarg", "flags", false, "0" },

	{ fchmod_event, "fd.name", NULL, false, "/usr/bin/x" },
	{ fchmod_event, "fd.filename", NULL, false, "x" },
	{ fchmod_event, "fs.path.name", NULL, false, "/usr/bin/x" },
	{ fchmod_event, "evt.arg", "fd", false, "<f>/usr/bin/x" },
	{ fchmod_event, "evt.arg", "mode", false, "S_ISUID" },
	{ unlinkat_event, "fd.name", NULL, false, "/tmp/d" },
	{ unlinkat_event, "fd.directory", NULL, false, "/tmp/d" },
	{ unlinkat_event, "evt.arg", "dirfd", false, "<d>/tmp/d" },
	{ unlinkat_event, "fs.path.name", NULL, false, "/tmp/d/f" },
	{ link_event, "fs.path.source", NULL, false, "/b/new" },
	{ link_event, "fs.path.target", NULL, false, "/old" },
	{ link_event, "fs.path.target", NULL, true, "/real/old" },
	{ link_event, "fs.path.sourceraw", NULL, false, "new" },
	{ link_event, "evt.arg", "oldpath", true, "/real/old" },
	{ link_event, "fd.name", NULL, false, NULL },
	{ symlink_event, "fs.path.source", NULL, false, "/b/l" },
	{ symlink_event, "fs.path.target", NULL, false, "../target" },

	{ connect_event, "fd.name", NULL, false, "10.0.0.1:54321->1.2.3.4:443" },
	{ connect_event, "fd.sip", NULL, false, "1.2.3.4" },
	{ connect_event, "fd.cip", NULL, false, "10.0.0.1" },
	{ connect_event, "fd.lip", NULL, false, "10.0.0.1" },
	{ connect_event, "fd.rip", NULL, false, "1.2.3.4" },
	{ connect_event, "fd.ip", NULL, false, "10.0.0.1 1.2.3.4" },
	{ connect_event, "fd.port", NULL, false, "54321 443" },
	{ connect_event, "fd.snet", NULL, false, "1.2.3.4" },
	{ connect_event, "fd.sport", NULL, false, "443" },
	{ connect_event, "fd.sproto", NULL, false, "443" },
	{ connect_event, "fd.l4proto", NULL, false, "tcp" },
	{ connect_event, "fd.sockfamily", NULL, false, "ip" },
	{ connect_event, "fd.type", NULL, false, "ipv4" },
	{ connect_event, "fd.connected", NULL, false, "true" },
	{ connect_event, "fd.is_server", NULL, false, "false" },
	{ connect_event, "fd.name_changed", NULL, false, "true" },
	{ connect_event, "fd.directory", NULL, false, NULL },
	{ connect_event, "fd.sip.name", NULL, false, "one.example two.example" },
	{ connect_event, "fd.cip.name", NULL, false, "" },
	{ connect_event, "evt.arg", "fd", false, "<4t>10.0.0.1:54321->1.2.3.4:443" },
	{ connect_event, "evt.arg", "tuple", false, "NULL" },
	{ connect_failed, "fd.name", NULL, false, "10.0.0.1:7->1.2.3.4:443" },
	{ connect_failed, "fd.sport", NULL, false, "443" },
	{ connect_failed, "fd.is_server", NULL, false, "false" },
	{ connect_failed, "fd.connected", NULL, false, "false" },
	{ connect_failed, "evt.res", NULL, false, "ECONNREFUSED" },
	{ connect_mapped, "fd.name", NULL, false, "10.0.0.1:54321->1.2.3.4:443" },
	{ connect_mapped, "fd.typechar", NULL, false, "4" },
	{ connect_mapped, "fd.sip", NULL, false, "1.2.3.4" },
	{ accept_event, "fd.name", NULL, false, "1.2.3.4:443->10.0.0.1:54321" },
	{ accept_event, "fd.cip", NULL, false, "1.2.3.4" },
	{ accept_event, "fd.lport", NULL, false, "54321" },
	{ accept_event, "fd.is_server", NULL, false, "true" },
	{ listen_event, "fd.name", NULL, false, "10.0.0.1:54321" },
	{ listen_event, "fd.sport", NULL, false, "54321" },
	{ listen_event, "fd.cport", NULL, false, NULL },
	{ listen_event, "fd.lport", NULL, false, NULL },
	{ listen_event, "fd.port", NULL, false, "54321" },
	{ listen_event, "fd.is_server", NULL, false, "true" },
	{ unix_connect, "fd.name", NULL, false, "ab->cd /run/s" },
	{ unix_connect, "fd.type", NULL, false, "unix" },
	{ unix_connect, "fd.sockfamily", NULL, false, "unix" },
	{ unix_connect, "fd.sip", NULL, false, NULL },

	{ read_event, "evt.buflen", NULL, false, "5" },
	{ read_event, "evt.buflen.out", NULL, false, NULL },
	{ read_event, "evt.arg", "data", false, "a.b.." },
	{ read_event, "evt.arg", "size", false, "10" },
	{ read_event, "evt.args", NULL, false, "res=5 data=a.b.. fd=0(<f>/dev/null) size=10" },
	{ read_event, "evt.category", NULL, false, "file" },
	{ read_event, "evt.is_io", NULL, false, "true" },
	{ read_event, "evt.is_io_write", NULL, false, "false" },
	{ read_event, "evt.io_dir", NULL, false, "read" },
	{ read_event, "evt.is_open_read", NULL, false, "false" },
	{ read_event, "proc.stdin.type", NULL, false, "file" },
	{ read_event, "proc.stdin.name", NULL, false, "/dev/null" },
	{ read_event, "proc.stdout.type", NULL, false, NULL },
	{ generic_event, "evt.type", NULL, false, "sysinfo" },
	{ generic_event, "evt.args", NULL, false, "" },
	{ generic_event, "evt.res", NULL, false, NULL },
	{ generic_event, "evt.category", NULL, false, "other" },
	{ generic_event, "fd.num", NULL, false, NULL },

	{ setuid_event, "evt.arg", "uid", false, "games" },
	{ setuid_event, "evt.rawarg", "uid", false, "5" },
	{ setuid_event, "evt.args", NULL, false, "res=-1(EPERM) uid=5(games)" },
	{ setuid_event, "user.uid", NULL, false, "5" },
	{ setuid_event, "user.name", NULL, false, "games" },
	{ setuid_event, "user.homedir", NULL, false, "/usr/games" },
	{ setuid_event, "user.loginuid", NULL, false, "-1" },
	{ setuid_event, "user.loginname", NULL, false, "<NA>" },
	{ setuid_event, "group.gid", NULL, false, "50" },
	{ setuid_event, "group.name", NULL, false, "staff" },
	{ setuid_event, "container.id", NULL, false, "host" },
	{ setuid_event, "container.name", NULL, false, "host" },
	{ setuid_event, "container.image.repository", NULL, false, NULL },
	{ setuid_event, "proc.name", NULL, false, "cat" },
	{ setuid_event, "proc.exe", NULL, false, "/bin/cat" },
	{ setuid_event, "proc.exepath", NULL, false, "/usr/bin/cat" },
	{ setuid_event, "proc.args", NULL, false, "-n a b" },
	{ setuid_event, "proc.args", "1", false, "a b" },
	{ setuid_event, "proc.args", "2", false, "" },
	{ setuid_event, "proc.cmdline", NULL, false, "cat -n a b" },
	{ setuid_event, "proc.exeline", NULL, false, "/bin/cat -n a b" },
	{ setuid_event, "proc.cmdnargs", NULL, false, "2" },
	{ setuid_event, "proc.cmdlenargs", NULL, false, "5" },
	{ setuid_event, "proc.env", NULL, false, "A=1 PATH= /bin " },
	{ setuid_event, "proc.env", "PATH", false, "/bin" },
	{ setuid_event, "proc.env", "NOPE", false, "" },
	{ setuid_event, "proc.aenv", "HOME", false, "/h" },
	{ setuid_event, "proc.aenv", "1", false, "HOME=/h" },
	{ setuid_event, "proc.aenv", NULL, false, "HOME=/h " },
	{ setuid_event, "proc.cwd", NULL, false, "/root/" },
	{ setuid_event, "proc.pname", NULL, false, "bash" },
	{ setuid_event, "proc.pcmdline", NULL, false, "bash -x -y" },
	{ setuid_event, "proc.pexe", NULL, false, "-bash" },
	{ setuid_event, "proc.aname", NULL, false, "bash init" },
	{ setuid_event, "proc.aname", "0", false, "cat" },
	{ setuid_event, "proc.aname", "2", false, "init" },
	{ setuid_event, "proc.aname", "3", false, NULL },
	{ setuid_event, "proc.aname", "999999999999", false, NULL },
	{ setuid_event, "proc.acmdline", NULL, false, "bash -x -y init" },
	{ setuid_event, "proc.aexepath", "2", false, "<NA>" },
	{ unread_exec, "evt.rawarg", "uid", false, "0" },
	{ unread_exec, "evt.rawarg", "trusted_exepath", false, "<NA>" },
	{ unread_open, "fd.name", NULL, false, "<NA>" },
	{ setuid_event, "proc.aargs", NULL, false, "-x -y" },
	{ setuid_event, "proc.aargs", "1", false, "-x -y" },
	{ setuid_event, "proc.apid", NULL, false, "20 1" },
	{ setuid_event, "proc.apid", "1", false, "20" },
	{ setuid_event, "proc.pid", NULL, false, "30" },
	{ setuid_event, "proc.ppid", NULL, false, "20" },
	{ setuid_event, "proc.pvpid", NULL, false, "20" },
	{ setuid_event, "proc.sid", NULL, false, "20" },
	{ setuid_event, "proc.sname", NULL, false, "bash" },
	{ setuid_event, "proc.sid.exepath", NULL, false, "/usr/bin/bash" },
	{ setuid_event, "proc.pgid.name", NULL, false, "cat" },
	{ setuid_event, "proc.vpgid.exe", NULL, false, "/bin/cat" },
	{ setuid_event, "proc.is_sid_leader", NULL, false, "false" },
	{ setuid_event, "proc.is_pgid_leader", NULL, false, "true" },
	{ setuid_event, "proc.loginshellid", NULL, false, "20" },
	{ setuid_event, "proc.tty", NULL, false, "34816" },
	{ setuid_event, "proc.duration", NULL, false, "7000" },
	{ setuid_event, "proc.ppid.duration", NULL, false, "8000" },
	{ setuid_event, "proc.pid.ts", NULL, false, "1566230400009993000" },
	{ setuid_event, "proc.pidns_init_start_ts", NULL, false, "1566230400009991000" },
	{ setuid_event, "proc.is_exe_upper_layer", NULL, false, "true" },
	{ setuid_event, "proc.is_exe_writable", NULL, false, "false" },
	{ setuid_event, "proc.exe_ino.ctime_duration_proc_start", NULL, false,
	  "1566230400009992995" },
	{ setuid_event, "proc.nthreads", NULL, false, "3" },
	{ setuid_event, "proc.nchilds", NULL, false, "2" },
	{ setuid_event, "thread.tid", NULL, false, "31" },
	{ setuid_event, "thread.ismain", NULL, false, "false" },
	{ setuid_event, "thread.vmsize", NULL, false, "0" },
	{ setuid_event, "thread.cap_effective", NULL, false, "CAP_CHOWN CAP_DAC_OVERRIDE" },
	{ setuid_event, "thread.cap_permitted", NULL, false, "" },
	{ setuid_event, "thread.cgroups", NULL, false, "cpu=/x memory=/y" },
	{ setuid_event, "thread.cgroup", "memory", false, "/y" },
	{ setuid_event, "thread.cgroup", "mem", false, NULL },
	{ container_event, "container.id", NULL, false, "0123456789ab" },
	{ container_event, "container.name", NULL, false, NULL },
	{ container_event, "user.name", NULL, false, "<NA>" },
	{ orphan_event, "proc.pname", NULL, false, NULL },
	{ orphan_event, "proc.aname", NULL, false, NULL },
	/* The leader need not be an ancestor. */
	{ orphan_event, "proc.sname", NULL, false, "bash" },
};

static void test_values(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		bad += check_row(&rows[i], true);
	assert_int_equal(bad, 0);
}

/* No field may mind that nothing is known of the process, nor any event that a field has no business with. */
static void test_everything_everywhere(void **state)
{
	const struct catalogue *c = fields_catalogue();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct row row = rows[i];

		check_row(&row, false);
		if (i && rows[i].scenario == rows[i - 1].scenario)
			continue;
		for (size_t f = 0; f < c->nfields; f++) {
			row.field = c->fields[f].name;
			row.arg = c->fields[f].arg & ARG_REQUIRED ? "name" : NULL;
			if (str_eqz(str_of(row.field), "evt.type.is") ||
			    str_eqz(str_of(row.field), "evt.around"))
				continue;
			check_row(&row, false);
		}
	}
}

/* Out of memory is "no value", at whatever allocation. */
static void test_no_memory(void **state)
{
	const struct catalogue *c = fields_catalogue();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(arena_done) struct arena a = { .limit = 1 };
		struct field_ref ref;
		struct value v;
		struct event ev;
		struct fields_event fe = { .ev = &ev };

		bind_row(&rows[i], &a, &ref);
		decode(rows[i].scenario, &ev);
		c->extract(c, &fe, &ref, rows[i].resolved, &a, &v);
	}
}

static void test_names_differ(void **state)
{
	static const struct {
		void (*scenario)(void);
		bool want;
	} cases[] = {
		{ open_ok, true },	   { open_enoent, false }, { fchmod_event, false },
		{ unlinkat_event, false }, { link_event, true },   { connect_event, false },
		{ symlink_event, false },
	};
	struct event ev;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		decode(cases[i].scenario, &ev);
		assert_int_equal(fields_names_differ(&ev), cases[i].want);
	}
}

/* Outputs show byte buffers in the form asked for; conditions and transformers see the bytes. */
static void test_buffer_formats(void **state)
{
	static const struct {
		const char *format, *plain, *base64;
	} cases[] = {
		{ "%evt.buffer", "a.b..", "YQBi/wo=" },
		{ "<%4evt.buffer>", "<a.b.>", "<YQBi>" },
		{ "%evt.rawarg.data", "a.b..", "YQBi/wo=" },
		{ "%evt.arg.data", "a.b..", "YQBi/wo=" },
		{ "%evt.arg[1]", "a.b..", "YQBi/wo=" },
		{ "%evt.args", "res=5 data=a.b.. fd=0(<f>/dev/null) size=10",
		  "res=5 data=YQBi/wo= fd=0(<f>/dev/null) size=10" },
		{ "%evt.info", "res=5 data=a.b.. fd=0(<f>/dev/null) size=10",
		  "res=5 data=YQBi/wo= fd=0(<f>/dev/null) size=10" },
		{ "%len(evt.buffer) %fd.name", "5 /dev/null", "5 /dev/null" },
	};
	static const char condition[] = "evt.arg.data = a.b.. and evt.buffer bcontains 6200 or "
					"evt.arg.data = a.b.. and evt.buffer bcontains 62ff";
	struct event ev;
	struct fields_event fe = { .ev = &ev, .hostname = "box" };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		bool base64 = i % 2;
		_cleanup_(arena_done) struct arena a = { 0 };
		_cleanup_(strbuf_done) struct strbuf got = { 0 };
		struct program *p = program_new(fields_catalogue());
		struct filter_warnings warnings = { 0 };
		struct diag d = { 0 };
		struct ast *tree;
		struct cond *cond;
		struct format *f;

		if (base64)
			program_base64(p);
		assert_int_equal(parse_condition(STR(condition), 100, &a, &tree, &d), 0);
		assert_int_equal(filter_compile(p, tree, &cond, &warnings, &d), 0);
		assert_int_equal(format_compile(p, str_of(cases[i / 2].format), &f, &d), 0);
		assert_int_equal(program_seal(p), 0);
		struct eval *e = eval_new(p);

		decode(read_event, &ev);
		eval_begin(e, &fe, &a);
		assert_true(eval_cond(e, cond));
		assert_true(format_render(f, e, false, &got));
		assert_string_equal(strbuf_z(&got),
				    base64 ? cases[i / 2].base64 : cases[i / 2].plain);
		eval_free(e);
		program_free(p);
	}
}

static int utc(void **state)
{
	return setenv("TZ", "UTC", 1);
}

int main(void)
{
	/* A field named "name", which all that want an argument get below. */
	if (fields_declare_static(&(struct static_field){ STR("name"), STR("value") }, 1) < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),	       cmocka_unit_test(test_everything_everywhere),
		cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_names_differ),
		cmocka_unit_test(test_buffer_formats),
	};

	return cmocka_run_group_tests(tests, utc, NULL);
}
