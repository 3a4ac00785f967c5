/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what it is told: each thread of each worker reads commands from a channel of its own and answers what
 * the call gave (a negative error number) and which thread it is, as the host counts. It takes no memory and
 * sets no errno (calls are made by hand), so that a raw clone can make a worker of anything.
 *
 *	call NAME ARG...	a number; str:TEXT, hex:BYTES, or buf: for room, whose first words are answered
 *	clone FLAGS [TID]	a process with the channel that comes along
 *	thread			a thread likewise
 *	spawn PATH ARGV... -- ENV...	by vfork and exec, with the channel that comes along
 *	exec DIRFD FLAGS PATH ARGV... -- ENV...
 *	take FD			a message of one byte with descriptors
 *	exit CODE		of the thread; exit_group by call
 *
 * Words are divided by blanks, %XX stands for a byte. Channel and /proc are descriptors that survive an exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PROC_FD = 201, WORDS = 64, STACK = 256 << 10, LINE = 8192, ROOM = 4096, HIGH_FD = 300 };

#define CALL(n)                                                                                    \
	{                                                                                          \
#n, SYS_##n                                                                        \
	}
static const struct {
	const char *name;
	long nr;
} calls[] = {
	CALL(openat),
	CALL(close),
	CALL(dup),
	CALL(dup3),
	CALL(pipe2),
	CALL(eventfd2),
	CALL(memfd_create),
	CALL(socket),
	CALL(socketpair),
	CALL(bind),
	CALL(listen),
	CALL(accept4),
	CALL(connect),
	CALL(sendto),
	CALL(sendmsg),
	CALL(recvmsg),
	CALL(ioctl),
	CALL(chdir),
	CALL(fchdir),
	CALL(chroot),
	CALL(mkdirat),
	CALL(unlinkat),
	CALL(renameat2),
	CALL(setuid),
	CALL(setgid),
	CALL(setreuid),
	CALL(setregid),
	CALL(setresuid),
	CALL(setresgid),
	CALL(setfsuid),
	CALL(setfsgid),
	CALL(setgroups),
	CALL(setsid),
	CALL(setpgid),
	CALL(prctl),
	CALL(capset),
	CALL(unshare),
	CALL(setns),
	CALL(wait4),
	CALL(exit_group),
	CALL(kill),
	CALL(write),
	CALL(read),
	CALL(prlimit64),
	CALL(mmap),
	CALL(munmap),
	CALL(brk),
	CALL(epoll_create1),
	CALL(inotify_init1),
	CALL(signalfd4),
	CALL(timerfd_create),
	CALL(pidfd_open),
	CALL(pidfd_getfd),
	CALL(fcntl),
	CALL(lseek),
	CALL(mount),
	CALL(umount2),
	CALL(ppoll),
	CALL(getpid),
	CALL(close_range),
	CALL(userfaultfd),
	CALL(io_uring_setup),
};

struct command {
	char line[LINE];
	char *words[WORDS];
	size_t n;
	int fd; /* that came along, or -1 */
};

struct worker {
	int channel;
	struct command c;
	char room[6][ROOM];
	long first[2]; /* words of the room that was asked for */
};

static long call(long nr, const long a[6])
{
	long r;
#ifdef __x86_64__
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
#else
#error "calls are made by hand"
#endif
	return r;
}

#define CALL6(nr, ...) call(nr, (const long[6]){ __VA_ARGS__ })

static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Decimal or, behind 0x, hexadecimal; perhaps negative. */
static long number(const char *s)
{
	bool minus = *s == '-';
	long v = 0;

	s += minus;
	int base = s[0] == '0' && s[1] == 'x' ? 16 : 10;

	for (s += base == 16 ? 2 : 0; *s; s++)
		v = v * base + digit(*s);
	return minus ? -v : v;
}

/* %XX in place; the length. */
static size_t unescape(char *s)
{
	char *to = s;

	for (const char *at = s; *at; at++) {
		if (*at == '%' && at[1] && at[2]) {
			*to++ = (char)(digit(at[1]) << 4 | digit(at[2]));
			at += 2;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return (size_t)(to - s);
}

static long argument(struct worker *w, size_t i, char *word)
{
	char *room = w->room[i];

	if (strncmp(word, "str:", 4) == 0) {
		size_t n = unescape(word + 4);

		memcpy(room, word + 4, n + 1);
		return (long)room;
	}
	if (strncmp(word, "hex:", 4) == 0) {
		size_t n = 0;

		for (const char *at = word + 4; at[0] && at[1] && n < ROOM; at += 2)
			room[n++] = (char)(digit(at[0]) << 4 | digit(at[1]));
		return (long)room;
	}
	if (strcmp(word, "buf:") == 0) {
		memset(room, 0, ROOM);
		return (long)room;
	}
	return number(word);
}

static long do_call(struct worker *w)
{
	long args[6] = { 0 };
	char *answer = NULL;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, w->c.words[1]) != 0)
			continue;
		for (size_t k = 0; k + 2 < w->c.n && k < 6; k++) {
			args[k] = argument(w, k, w->c.words[k + 2]);
			if (strcmp(w->c.words[k + 2], "buf:") == 0)
				answer = w->room[k];
		}
		long r = call(calls[i].nr, args);

		if (answer) {
			int32_t v[2];

			memcpy(v, answer, sizeof(v));
			w->first[0] = v[0];
			w->first[1] = v[1];
		}
		return r;
	}
	return -ENOSYS;
}

static void answer(const struct worker *w, long result)
{
	char line[256], who[64];
	long n = CALL6(SYS_readlinkat, PROC_FD, (long)"thread-self", (long)who, sizeof(who) - 1);

	who[n > 0 ? n : 0] = '\0';
	n = snprintf(line, sizeof(line), "%ld %ld %ld %s", result, w->first[0], w->first[1], who);
	CALL6(SYS_sendto, w->channel, (long)line, n, MSG_NOSIGNAL);
}

/* The next command; false when there is nobody any more. */
static bool receive(struct worker *w)
{
	struct command *c = &w->c;
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { c->line, sizeof(c->line) - 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	long n;

	while ((n = CALL6(SYS_recvmsg, w->channel, (long)&m)) == -EINTR)
		;
	if (n <= 0)
		return false;
	c->line[n] = '\0';
	c->n = 0;
	c->fd = -1;
	for (char *at = c->line; at && c->n < WORDS; c->n++) {
		c->words[c->n] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	const struct cmsghdr *h = m.msg_controllen ? CMSG_FIRSTHDR(&m) : NULL;

	if (h && h->cmsg_type == SCM_RIGHTS) {
		int low;

		memcpy(&low, CMSG_DATA(h), sizeof(low));
		c->fd = (int)CALL6(SYS_fcntl, low, F_DUPFD, HIGH_FD);
		CALL6(SYS_close, low);
	}
	return true;
}

static void serve(struct worker *w);

static struct worker *worker_new(int channel)
{
	struct worker *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		_exit(98);
	w->channel = channel;
	return w;
}

static long do_clone(struct worker *w)
{
	int32_t tid = w->c.n > 2 ? (int32_t)number(w->c.words[2]) : 0;
	struct clone_args a = {
		.flags = (uint64_t)number(w->c.words[1]),
		.exit_signal = SIGCHLD,
		.set_tid = tid ? (uintptr_t)&tid : 0,
		.set_tid_size = tid ? 1 : 0,
	};
	if (a.flags & CLONE_PARENT)
		a.exit_signal = 0;
	long r = CALL6(SYS_clone3, (long)&a, sizeof(a));

	if (r == 0) {
		w->channel = w->c.fd;
		answer(w, 0);
		serve(w);
		_exit(0);
	}
	/* Who shares our descriptors needs the channel. */
	if (r < 0 || !(a.flags & CLONE_FILES))
		CALL6(SYS_close, w->c.fd);
	return r;
}

static int run_thread(void *arg)
{
	struct worker *w = arg;

	answer(w, 0);
	serve(w);
	CALL6(SYS_exit, 0);
	return 0;
}

static long do_thread(struct worker *w)
{
	struct worker *new = worker_new(w->c.fd);
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		return -ENOMEM;
	return clone(run_thread, stack + STACK,
		     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			     CLONE_SYSVSEM,
		     new);
}

/* Words from `at` on as arguments and, behind "--", environment, to which the channel is added. */
static void split(struct worker *w, size_t at, int channel, char **argv, char **envp)
{
	static char room[64];
	char **to = argv;

	for (; at < w->c.n; at++) {
		if (to == argv || strcmp(w->c.words[at], "--") != 0) {
			unescape(w->c.words[at]);
			*to++ = w->c.words[at];
			continue;
		}
		*to = NULL;
		argv = NULL;
		to = envp;
	}
	snprintf(room, sizeof(room), "TIERCEL_CHANNEL=%d", channel);
	*to++ = room;
	*to = NULL;
}

static long do_exec(struct worker *w)
{
	static char *argv[WORDS], *envp[WORDS];

	split(w, 4, w->channel, argv, envp);
	unescape(w->c.words[3]);
	return CALL6(SYS_execveat, number(w->c.words[1]), (long)w->c.words[3], (long)argv,
		     (long)envp, number(w->c.words[2]));
}

static long do_spawn(struct worker *w)
{
	static char *argv[WORDS], *envp[WORDS];

	split(w, 2, w->c.fd, argv, envp);
	pid_t pid = vfork();

	if (pid == 0) {
		CALL6(SYS_execve, (long)w->c.words[1], (long)argv, (long)envp);
		_exit(99);
	}
	CALL6(SYS_close, w->c.fd);
	return pid;
}

static long do_take(struct worker *w)
{
	char control[CMSG_SPACE(8 * sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };

	return CALL6(SYS_recvmsg, number(w->c.words[1]), (long)&m);
}

static long do_command(struct worker *w)
{
	const char *what = w->c.words[0];

	if (strcmp(what, "call") == 0)
		return do_call(w);
	if (strcmp(what, "clone") == 0)
		return do_clone(w);
	if (strcmp(what, "thread") == 0)
		return do_thread(w);
	if (strcmp(what, "spawn") == 0)
		return do_spawn(w);
	if (strcmp(what, "take") == 0)
		return do_take(w);
	if (strcmp(what, "exec") == 0)
		return do_exec(w);
	if (strcmp(what, "exit") == 0)
		CALL6(SYS_exit, number(w->c.words[1]));
	return -ENOSYS;
}

static void serve(struct worker *w)
{
	while (receive(w)) {
		w->first[0] = w->first[1] = 0;
		answer(w, do_command(w));
	}
}

/* The end of a session's leader ends nobody else. */
static void ignore_hangup(void)
{
	static const int ignored[] = { SIGHUP, SIGTTIN, SIGTTOU };
	struct sigaction a = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &a, NULL);
}

int main(void)
{
	ignore_hangup();
	const char *channel = getenv("TIERCEL_CHANNEL");
	struct worker *w = worker_new(channel ? (int)number(channel) : 0);

	answer(w, 0);
	serve(w);
	return 0;
}
