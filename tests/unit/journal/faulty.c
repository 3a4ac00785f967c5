/* SPDX-License-Identifier: Apache-2.0 */
/* Every call goes to the real file system; writes leave what they overwrote behind. */
#include "faulty.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

struct undo {
	struct undo *older;
	char *path;
	sqlite3_int64 size; /* of the file before; later writes may have made it longer */
	sqlite3_int64 offset;
	int n; /* bytes that were there, as far as the file went */
	char old[];
};

struct faulty_file {
	sqlite3_file base;
	char *path;
	sqlite3_file *real; /* behind this struct */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum faulty_mode mode;
	uint64_t writes, syncs;
	struct undo *undos;
	sqlite3_vfs *real;
	sqlite3_vfs vfs;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct faulty_file *of(sqlite3_file *f)
{
	return (struct faulty_file *)f;
}

static sqlite3_file *real(sqlite3_file *f)
{
	return of(f)->real;
}

/* Locks. SQLITE_OK: go on. */
static int enter(bool sync)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.mode == FAULTY_HANG)
		pthread_cond_wait(&disk.changed, &disk.lock);
	if (disk.mode == FAULTY_DEAD || disk.mode == FAULTY_IO)
		return sync ? SQLITE_IOERR_FSYNC : SQLITE_IOERR_WRITE;
	return disk.mode == FAULTY_FULL && !sync ? SQLITE_FULL : SQLITE_OK;
}

static void leave(void)
{
	pthread_mutex_unlock(&disk.lock);
}

static int remember(sqlite3_file *f, sqlite3_int64 offset, int n)
{
	sqlite3_int64 size = 0;
	struct undo *u = malloc(sizeof(*u) + (size_t)n);

	assert(u);
	if (real(f)->pMethods->xFileSize(real(f), &size))
		size = 0;
	*u = (struct undo){
		.older = disk.undos, .path = strdup(of(f)->path), .size = size, .offset = offset
	};
	u->n = offset >= size ? 0 : size - offset < n ? (int)(size - offset) : n;
	if (u->n && real(f)->pMethods->xRead(real(f), u->old, u->n, offset))
		abort();
	disk.undos = u;
	return SQLITE_OK;
}

static int f_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 offset)
{
	int r = enter(false);

	if (r == SQLITE_OK)
		r = remember(f, offset, n);
	if (r == SQLITE_OK)
		r = real(f)->pMethods->xWrite(real(f), data, n, offset);
	disk.writes++;
	leave();
	return r;
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	sqlite3_int64 old = 0;
	int r = enter(false);

	if (r == SQLITE_OK)
		r = real(f)->pMethods->xFileSize(real(f), &old);
	if (r == SQLITE_OK && size < old)
		r = remember(f, size, (int)(old - size));
	if (r == SQLITE_OK)
		r = real(f)->pMethods->xTruncate(real(f), size);
	leave();
	return r;
}

/* What is synced stays. */
static void forget(const char *path)
{
	struct undo **at = &disk.undos;

	while (*at) {
		struct undo *u = *at;

		if (path && strcmp(u->path, path) != 0) {
			at = &u->older;
			continue;
		}
		*at = u->older;
		free(u->path);
		free(u);
	}
}

/* The test's disk is as fast as memory: nothing is really synced. */
static int f_sync(sqlite3_file *f, int flags)
{
	int r = enter(true);

	if (r == SQLITE_OK)
		forget(of(f)->path);
	disk.syncs++;
	leave();
	return r;
}

static int f_close(sqlite3_file *f)
{
	int r = real(f)->pMethods->xClose(real(f));

	free(of(f)->path);
	return r;
}

#define PASS(name, args, ...)                                                                      \
	static int f_##name args                                                                   \
	{                                                                                          \
		return real(f)->pMethods->x##name(real(f) __VA_OPT__(, ) __VA_ARGS__);             \
	}
PASS(Read, (sqlite3_file * f, void *data, int n, sqlite3_int64 offset), data, n, offset)
PASS(FileSize, (sqlite3_file * f, sqlite3_int64 *size), size)
PASS(Lock, (sqlite3_file * f, int how), how)
PASS(Unlock, (sqlite3_file * f, int how), how)
PASS(CheckReservedLock, (sqlite3_file * f, int *ret), ret)
PASS(FileControl, (sqlite3_file * f, int op, void *arg), op, arg)
PASS(SectorSize, (sqlite3_file * f))
PASS(DeviceCharacteristics, (sqlite3_file * f))
PASS(ShmMap, (sqlite3_file * f, int page, int size, int extend, void volatile **ret), page, size,
     extend, ret)
PASS(ShmLock, (sqlite3_file * f, int offset, int n, int flags), offset, n, flags)
PASS(ShmUnmap, (sqlite3_file * f, int del), del)

static void f_ShmBarrier(sqlite3_file *f)
{
	real(f)->pMethods->xShmBarrier(real(f));
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = f_close,
	.xRead = f_Read,
	.xWrite = f_write,
	.xTruncate = f_truncate,
	.xSync = f_sync,
	.xFileSize = f_FileSize,
	.xLock = f_Lock,
	.xUnlock = f_Unlock,
	.xCheckReservedLock = f_CheckReservedLock,
	.xFileControl = f_FileControl,
	.xSectorSize = f_SectorSize,
	.xDeviceCharacteristics = f_DeviceCharacteristics,
	.xShmMap = f_ShmMap,
	.xShmLock = f_ShmLock,
	.xShmBarrier = f_ShmBarrier,
	.xShmUnmap = f_ShmUnmap,
};

static int v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct faulty_file *file = of(f);

	*file = (struct faulty_file){ .real = (sqlite3_file *)(file + 1) };
	int r = disk.real->xOpen(disk.real, name, file->real, flags, ret_flags);
	if (r != SQLITE_OK)
		return r;
	file->path = strdup(name ? name : "");
	file->base.pMethods = &methods;
	return SQLITE_OK;
}

/* A name that is gone stays gone, but only from a disk that lives. */
static int v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	int r = enter(false);

	if (r == SQLITE_OK) {
		r = disk.real->xDelete(disk.real, name, sync);
		forget(name);
	}
	leave();
	return r;
}

void faulty_install(void)
{
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "faulty";
	disk.vfs.szOsFile = (int)sizeof(struct faulty_file) + disk.real->szOsFile;
	disk.vfs.xOpen = v_open;
	disk.vfs.xDelete = v_delete;
	sqlite3_vfs_register(&disk.vfs, 1);
}

void faulty_set(enum faulty_mode mode)
{
	pthread_mutex_lock(&disk.lock);
	disk.mode = mode;
	pthread_cond_broadcast(&disk.changed);
	pthread_mutex_unlock(&disk.lock);
}

uint64_t faulty_writes(void)
{
	pthread_mutex_lock(&disk.lock);
	uint64_t n = disk.writes;
	pthread_mutex_unlock(&disk.lock);
	return n;
}

uint64_t faulty_syncs(void)
{
	pthread_mutex_lock(&disk.lock);
	uint64_t n = disk.syncs;
	pthread_mutex_unlock(&disk.lock);
	return n;
}

static void undo(const struct undo *u)
{
	int fd = open(u->path, O_RDWR);
	struct stat st;

	if (fd < 0)
		return; /* made and removed since */
	if (u->n && pwrite(fd, u->old, (size_t)u->n, u->offset) != u->n)
		abort();
	/* What it had made longer becomes short again, if nothing that stays lies behind. */
	if (fstat(fd, &st) == 0 && st.st_size > u->size && ftruncate(fd, u->size) < 0)
		abort();
	close(fd);
}

void faulty_cut_power(unsigned percent, unsigned seed)
{
	pthread_mutex_lock(&disk.lock);
	for (const struct undo *u = disk.undos; u; u = u->older) {
		seed = seed * 1103515245 + 12345;
		if (seed / 65536 % 100 >= percent)
			undo(u);
	}
	forget(NULL);
	pthread_mutex_unlock(&disk.lock);
}

void faulty_keep_all(void)
{
	pthread_mutex_lock(&disk.lock);
	forget(NULL);
	pthread_mutex_unlock(&disk.lock);
}
