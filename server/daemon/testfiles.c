/* SPDX-License-Identifier: Apache-2.0 */
/* Directories are walked to a limited depth, and links to directories not at all. */
#include "daemon/testfiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/str.h"

static int add(struct test_files *f, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	if (vec_push(&f->paths, copy) < 0) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool is_tests(struct str name)
{
	return str_ends(name, STR("_test.yaml")) || str_ends(name, STR("_test.yml"));
}

static int walk(struct test_files *f, const char *directory, unsigned depth)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, visible, alphasort), r = n < 0 ? -errno : 0;

	for (int i = 0; i < n; i++) {
		char path[LIMIT_PATH];
		struct stat st;
		int len = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);

		free(entries[i]);
		if (r < 0 || len >= (int)sizeof(path) || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < LIMIT_TEST_DEPTH)
			r = walk(f, path, depth + 1);
		else if (!S_ISDIR(st.st_mode) && is_tests(str_of(path)))
			r = add(f, path);
	}
	if (n >= 0)
		free(entries);
	return r;
}

int test_files_add(struct test_files *ret, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return add(ret, path);
	return walk(ret, path, 1);
}

void test_files_done(struct test_files *f)
{
	vec_foreach (path, &f->paths)
		free(*path);
	vec_done(&f->paths);
}
