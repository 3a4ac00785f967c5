/* SPDX-License-Identifier: Apache-2.0 */
/* What a burst took, the C library keeps in the heaps of its threads for ever, unless it is told not to. */
#include "base/heap.h"

#include <malloc.h>

void heap_trim(size_t spare)
{
	struct mallinfo2 now = mallinfo2();

	if (now.fordblks > spare)
		malloc_trim(spare / 2);
}
