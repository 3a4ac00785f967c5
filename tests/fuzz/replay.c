/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over the files and directories it is given: how corpora become regression tests in
 * builds without libFuzzer. Every input is also run cut short at each of its bytes when it is small.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "fuzz.h"

enum { LARGEST = 1 << 20, CUT_UP_TO = 256 };

static unsigned inputs;

static void run(const uint8_t *data, size_t size)
{
	/* A copy of the exact size lets the sanitizer see reads behind its end. */
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	uint8_t *exact = realloc(copy, size ? size : 1);

	LLVMFuzzerTestOneInput(exact ? exact : copy, size);
	free(exact ? exact : copy);
	inputs++;
}

static int run_file(const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "rbe");
	uint8_t *data = malloc(LARGEST);

	if (!f || !data) {
		perror(path);
		free(data);
		return 1;
	}
	size_t size = fread(data, 1, LARGEST, f);

	run(data, size);
	for (size_t n = 0; size <= CUT_UP_TO && n < size; n++)
		run(data, n);
	free(data);
	return 0;
}

static int run_path(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int failed = 0;

	if (!dir)
		return run_file(path);
	while ((entry = readdir(dir))) {
		char inner[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
		failed |= run_file(inner);
	}
	closedir(dir);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= run_path(argv[i]);
	printf("%u inputs\n", inputs);
	return failed || inputs == 0;
}
