/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files from memory: read to their end, each record decoded. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "event/event.h"
#include "fuzz.h"
#include "source/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	struct capture_reader *r = NULL;
	const struct rec_hdr *rec;
	struct diag diag = { 0 };

	if (fd < 0 || io_write_all(fd, (struct str){ (const char *)data, size }) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		abort();
	if (capture_reader_open_fd(fd, "input", &r, &diag) < 0)
		return 0;
	while (capture_reader_next(r, &rec, &diag) == 0) {
		struct event e;

		event_decode(rec, rec->len, &e);
	}
	capture_reader_close(r);
	return 0;
}
