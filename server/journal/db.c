/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements are a table, prepared on first use. Numbers and times are SQLite's signed 64-bit integers bit by
 * bit; sequence numbers stay far below the sign.
 *
 * Rows are removed at the same end all the time and pages go back to the free list, so the file is as large
 * as its bound and no larger.
 */
#include "journal/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	DB_APPLICATION = 0x7469726a, /* "tirj" */
	DB_VERSION = 1,
	DB_BUSY_MS = 2000,
	DB_CACHE_KIB = 1024,
};

enum statement {
	ST_PUT,
	ST_PUT_GAP,
	ST_PUT_MARK,
	ST_DEL_MARK,
	ST_PUT_STATE,
	ST_GET_STATE,
	ST_OLDEST,
	ST_NEWEST,
	ST_TRIM,
	ST_TRIM_GAPS,
	ST_READ,
	ST_AT,
	ST_LAST,
	ST_GAPS,
	ST_MARKS,
	ST_PAGES,
	ST_FREE,
	STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
	[ST_PUT] = "INSERT OR IGNORE INTO alerts(seq, time, message) VALUES(?1, ?2, ?3)",
	[ST_PUT_GAP] = "INSERT OR REPLACE INTO gaps(first, last, reason) VALUES(?1, ?2, ?3)",
	[ST_PUT_MARK] = "INSERT OR REPLACE INTO marks(key, next, changed) VALUES(?1, ?2, ?3)",
	[ST_DEL_MARK] = "DELETE FROM marks WHERE key = ?1",
	[ST_PUT_STATE] = "INSERT OR REPLACE INTO state(name, value) VALUES(?1, ?2)",
	[ST_GET_STATE] = "SELECT value FROM state WHERE name = ?1",
	[ST_OLDEST] = "SELECT seq, time FROM alerts ORDER BY seq LIMIT 1",
	[ST_NEWEST] = "SELECT seq, time FROM alerts ORDER BY seq DESC LIMIT 1",
	[ST_TRIM] = "DELETE FROM alerts WHERE seq < ?1",
	[ST_TRIM_GAPS] = "DELETE FROM gaps WHERE last < ?1",
	[ST_READ] = ("SELECT seq, time, message FROM alerts WHERE seq BETWEEN ?1 AND ?2 "
		     "ORDER BY seq LIMIT ?3"),
	[ST_AT] = "SELECT seq, time FROM alerts WHERE seq >= ?1 ORDER BY seq LIMIT 1",
	[ST_LAST] = "SELECT seq FROM alerts ORDER BY seq DESC LIMIT 1 OFFSET ?1",
	[ST_GAPS] = "SELECT first, last, reason FROM gaps ORDER BY first",
	[ST_MARKS] = "SELECT key, next FROM marks ORDER BY changed",
	[ST_PAGES] = "PRAGMA page_count",
	[ST_FREE] = "PRAGMA freelist_count",
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE IF NOT EXISTS alerts(seq INTEGER PRIMARY KEY, time INTEGER "
	"NOT NULL, message BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS gaps(first INTEGER PRIMARY KEY, last INTEGER "
	"NOT NULL, reason INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS marks(key TEXT PRIMARY KEY, next INTEGER NOT "
	"NULL, changed INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, value INTEGER NOT "
	"NULL) WITHOUT ROWID;"
	"PRAGMA application_id = 1953067626;"
	"PRAGMA user_version = 1;"
	"COMMIT;";
_Static_assert(DB_APPLICATION == 1953067626, "the text above says the same");

struct db {
	sqlite3 *sql;
	sqlite3_stmt *statements[STATEMENTS];
	uint64_t page_bytes;
	size_t wal_pages;
};

static int outcome(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT: return DB_E_DAMAGED;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_CANTOPEN: return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	default: return -EIO;
	}
}

/* Reset, with the parameters of before. NULL: cannot be prepared, *ret_r says why. */
static sqlite3_stmt *statement(struct db *db, enum statement which, int *ret_r)
{
	sqlite3_stmt **s = &db->statements[which];

	*ret_r = 0;
	if (*s) {
		sqlite3_reset(*s);
		return *s;
	}
	*ret_r = outcome(
		sqlite3_prepare_v3(db->sql, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL));
	return *s;
}

static void bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
	sqlite3_bind_int64(s, at, (sqlite3_int64)v);
}

static uint64_t column_u64(sqlite3_stmt *s, int at)
{
	return (uint64_t)sqlite3_column_int64(s, at);
}

/* A statement without rows, its parameters bound. */
static int run(sqlite3_stmt *s)
{
	int r = outcome(sqlite3_step(s));
	int reset = outcome(sqlite3_reset(s));

	return r ? r : reset;
}

static int exec(struct db *db, const char *text)
{
	return outcome(sqlite3_exec(db->sql, text, NULL, NULL, NULL));
}

/* The two columns of the only row, 0 when there is none. */
static int one_row(sqlite3_stmt *s, uint64_t *ret_a, uint64_t *ret_b)
{
	int rc = sqlite3_step(s);
	bool row = rc == SQLITE_ROW;
	uint64_t a = row ? column_u64(s, 0) : 0;
	uint64_t b = row && sqlite3_column_count(s) > 1 ? column_u64(s, 1) : 0;
	int r = outcome(rc);

	sqlite3_reset(s);
	if (r)
		return r;
	*ret_a = a;
	if (ret_b)
		*ret_b = b;
	return 0;
}

static int first_row(struct db *db, enum statement which, uint64_t *ret_a, uint64_t *ret_b)
{
	int r;
	sqlite3_stmt *s = statement(db, which, &r);

	return s ? one_row(s, ret_a, ret_b) : r;
}

static int pragma(struct db *db, const char *text, uint64_t *ret)
{
	sqlite3_stmt *s = NULL;
	int r = outcome(sqlite3_prepare_v2(db->sql, text, -1, &s, NULL));

	if (r == 0)
		r = one_row(s, ret, NULL);
	sqlite3_finalize(s);
	return r;
}

static int set_up(struct db *db)
{
	uint64_t application = 0, version = 0, pages = 0;
	int r = exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			 "PRAGMA temp_store = MEMORY;"
			 "PRAGMA secure_delete = OFF; PRAGMA trusted_schema = OFF;");

	if (r == 0)
		r = pragma(db, "PRAGMA page_count", &pages);
	if (r == 0)
		r = pragma(db, "PRAGMA application_id", &application);
	if (r == 0)
		r = pragma(db, "PRAGMA user_version", &version);
	/* Of another program, or of a later version of this one: nothing we could go on with. */
	if (r == 0 && pages && (application || version) &&
	    (application != DB_APPLICATION || version != DB_VERSION))
		return DB_E_DAMAGED;
	if (r == 0 && version != DB_VERSION)
		r = exec(db, schema);
	if (r == 0)
		r = pragma(db, "PRAGMA page_size", &db->page_bytes);
	return r;
}

static int on_commit(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct db *db = arg;

	db->wal_pages = (size_t)pages;
	return SQLITE_OK;
}

int db_open(const char *dir, struct db **ret, struct diag *d)
{
	char path[4096];
	struct db *db = calloc(1, sizeof(*db));

	*d = (struct diag){ 0 };
	if (!db)
		return -ENOMEM;
	snprintf(path, sizeof(path), "%s/alerts.db", dir);
	int r = outcome(sqlite3_open_v2(path, &db->sql,
					SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
						SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
					NULL));
	if (r == 0) {
		char cache[64];

		sqlite3_busy_timeout(db->sql, DB_BUSY_MS);
		sqlite3_wal_hook(db->sql, on_commit, db);
		sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		snprintf(cache, sizeof(cache), "PRAGMA cache_size = -%d", DB_CACHE_KIB);
		r = exec(db, cache);
	}
	if (r == 0)
		r = set_up(db);
	if (r) {
		diag_set(d, "%s: %s", path, db->sql ? sqlite3_errmsg(db->sql) : strerror(ENOMEM));
		db_close(db);
		return r;
	}
	*ret = db;
	return 0;
}

struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->sql);
	free(db);
	return NULL;
}

int db_move_aside(const char *dir)
{
	static const char *const ends[] = { "-wal", "-shm", "" };
	char from[4096], to[4096];

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		snprintf(from, sizeof(from), "%s/alerts.db%s", dir, ends[i]);
		snprintf(to, sizeof(to), "%s/alerts.db.damaged%s", dir, ends[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

const char *db_error(const struct db *db)
{
	return sqlite3_errmsg(db->sql);
}

static int get_state(struct db *db, const char *name, uint64_t *ret)
{
	int r;
	sqlite3_stmt *s = statement(db, ST_GET_STATE, &r);

	if (!s)
		return r;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	return one_row(s, ret, NULL);
}

int db_state(struct db *db, struct db_state *ret)
{
	struct db_state st = { 0 };
	int r = get_state(db, "epoch", &st.epoch);

	if (r == 0)
		r = get_state(db, "reserved", &st.reserved);
	if (r == 0)
		r = get_state(db, "next", &st.next);
	if (r == 0)
		r = first_row(db, ST_OLDEST, &st.oldest, NULL);
	if (r == 0)
		r = first_row(db, ST_NEWEST, &st.newest, NULL);
	if (r == 0)
		*ret = st;
	return r;
}

int db_gaps(struct db *db, struct gaps *ret)
{
	int r, rc;
	sqlite3_stmt *s = statement(db, ST_GAPS, &r);

	if (!s)
		return r;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		gaps_add(ret, (struct gap){ .first = column_u64(s, 0),
					    .last = column_u64(s, 1),
					    .reason = (enum loss_reason)sqlite3_column_int(s, 2) });
	sqlite3_reset(s);
	return outcome(rc);
}

int db_marks(struct db *db, void (*fn)(struct str key, uint64_t next, void *ctx), void *ctx)
{
	int r, rc;
	sqlite3_stmt *s = statement(db, ST_MARKS, &r);

	if (!s)
		return r;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct str key = { (const char *)sqlite3_column_text(s, 0),
				   (size_t)sqlite3_column_bytes(s, 0) };

		if (key.ptr)
			fn(key, column_u64(s, 1), ctx);
	}
	sqlite3_reset(s);
	return outcome(rc);
}

int db_begin(struct db *db)
{
	return exec(db, "BEGIN IMMEDIATE");
}

int db_commit(struct db *db)
{
	return exec(db, "COMMIT");
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->sql))
		(void)exec(db, "ROLLBACK");
}

int db_put(struct db *db, const struct entry *e)
{
	int r;
	sqlite3_stmt *s = statement(db, ST_PUT, &r);

	if (!s)
		return r;
	bind_u64(s, 1, e->seq);
	bind_u64(s, 2, e->time_ns);
	sqlite3_bind_blob(s, 3, e->message, (int)e->len, SQLITE_STATIC);
	return run(s);
}

int db_put_gap(struct db *db, const struct gap *gap)
{
	int r;
	sqlite3_stmt *s = statement(db, ST_PUT_GAP, &r);

	if (!s)
		return r;
	bind_u64(s, 1, gap->first);
	bind_u64(s, 2, gap->last);
	sqlite3_bind_int(s, 3, (int)gap->reason);
	return run(s);
}

int db_put_mark(struct db *db, struct str key, uint64_t next, uint64_t time_ns)
{
	int r;
	sqlite3_stmt *s = statement(db, next ? ST_PUT_MARK : ST_DEL_MARK, &r);

	if (!s)
		return r;
	sqlite3_bind_text(s, 1, key.ptr, (int)key.len, SQLITE_STATIC);
	if (next) {
		bind_u64(s, 2, next);
		bind_u64(s, 3, time_ns);
	}
	return run(s);
}

int db_put_state(struct db *db, const char *name, uint64_t value)
{
	int r;
	sqlite3_stmt *s = statement(db, ST_PUT_STATE, &r);

	if (!s)
		return r;
	sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
	bind_u64(s, 2, value);
	return run(s);
}

/* The first row with number seq or higher; 0: none. */
static int row_at(struct db *db, uint64_t seq, uint64_t *ret_seq, uint64_t *ret_time)
{
	int r;
	sqlite3_stmt *s = statement(db, ST_AT, &r);

	if (!s)
		return r;
	bind_u64(s, 1, seq);
	return one_row(s, ret_seq, ret_time);
}

static int trim_before(struct db *db, enum statement which, uint64_t seq)
{
	int r;
	sqlite3_stmt *s = statement(db, which, &r);

	if (!s)
		return r;
	bind_u64(s, 1, seq);
	return run(s);
}

int db_trim(struct db *db, size_t n, uint64_t time_ns, uint64_t *ret_oldest)
{
	uint64_t oldest = 0, time = 0, left = 0;
	int r = first_row(db, ST_OLDEST, &oldest, &time);

	if (r || !oldest || (time_ns && time >= time_ns)) {
		*ret_oldest = oldest;
		return r;
	}
	uint64_t end = oldest + n;
	if (time_ns) {
		/* Not more than n at once, and none that is young enough. */
		uint64_t young = 0;

		r = db_find_time(db, time_ns, &young);
		if (r)
			return r;
		if (young && young < end)
			end = young;
	}
	r = trim_before(db, ST_TRIM, end);
	if (r == 0)
		r = first_row(db, ST_OLDEST, &left, NULL);
	if (r == 0 && left)
		r = trim_before(db, ST_TRIM_GAPS, left);
	if (r == 0)
		*ret_oldest = left;
	return r;
}

int db_sync(struct db *db)
{
	sqlite3_file *wal = NULL;
	uint64_t pages;
	/* The file is open once the connection has read in WAL mode. */
	int r = first_row(db, ST_PAGES, &pages, NULL);

	if (r == 0)
		r = outcome(
			sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal));
	if (r == 0 && wal && wal->pMethods)
		r = outcome(wal->pMethods->xSync(wal, SQLITE_SYNC_NORMAL));
	return r;
}

int db_checkpoint(struct db *db)
{
	int r = outcome(
		sqlite3_wal_checkpoint_v2(db->sql, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));

	return r == -EBUSY ? 0 : r; /* somebody else is at it */
}

uint64_t db_bytes(struct db *db)
{
	uint64_t pages = 0, unused = 0;

	if (first_row(db, ST_PAGES, &pages, NULL) || first_row(db, ST_FREE, &unused, NULL))
		return 0;
	return (pages - unused) * db->page_bytes;
}

uint64_t db_log_bytes(const struct db *db)
{
	return db->wal_pages * db->page_bytes;
}

int db_limit_log(struct db *db, uint64_t bytes)
{
	char text[64];

	snprintf(text, sizeof(text), "PRAGMA journal_size_limit = %llu", (unsigned long long)bytes);
	return exec(db, text);
}

int db_read(struct db *db, uint64_t from, uint64_t to, size_t max, size_t max_bytes,
	    struct entry **ret, size_t *ret_n)
{
	int r, rc;
	size_t n = 0, bytes = 0;
	sqlite3_stmt *s = statement(db, ST_READ, &r);

	*ret_n = 0;
	if (!s)
		return r;
	bind_u64(s, 1, from);
	bind_u64(s, 2, to < INT64_MAX ? to : INT64_MAX);
	bind_u64(s, 3, max);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct str message = { sqlite3_column_blob(s, 2),
				       (size_t)sqlite3_column_bytes(s, 2) };

		if (n && bytes + message.len > max_bytes) {
			rc = SQLITE_DONE;
			break;
		}
		ret[n] = entry_new(column_u64(s, 0), column_u64(s, 1), message);
		if (!ret[n]) {
			rc = SQLITE_NOMEM;
			break;
		}
		bytes += message.len;
		n++;
	}
	sqlite3_reset(s);
	/* What was read before the fault is good. */
	*ret_n = n;
	return n ? 0 : outcome(rc);
}

int db_find_time(struct db *db, uint64_t time_ns, uint64_t *ret_seq)
{
	uint64_t low = 0, high = 0, seq = 0, time = 0;
	int r = first_row(db, ST_OLDEST, &low, NULL);

	if (r == 0)
		r = first_row(db, ST_NEWEST, &high, &time);
	if (r || !high || time < time_ns) {
		if (r == 0)
			*ret_seq = 0;
		return r;
	}
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;

		r = row_at(db, mid, &seq, &time);
		if (r)
			return r;
		if (seq && time < time_ns)
			low = seq + 1;
		else
			high = mid;
	}
	*ret_seq = low;
	return 0;
}

int db_find_last(struct db *db, uint64_t n, uint64_t *ret_seq)
{
	int r;
	uint64_t seq = 0, oldest = 0, newest = 0;
	sqlite3_stmt *s = statement(db, ST_LAST, &r);

	if (!s)
		return r;
	r = first_row(db, ST_OLDEST, &oldest, NULL);
	if (r == 0)
		r = first_row(db, ST_NEWEST, &newest, NULL);
	/* Counting rows takes its time: not for more than there can be. */
	if (r == 0 && n <= newest - oldest) {
		bind_u64(s, 1, n ? n - 1 : 0);
		r = one_row(s, &seq, NULL);
	}
	if (!seq)
		seq = oldest;
	if (r == 0)
		*ret_seq = seq;
	return r;
}
