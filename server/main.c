/* SPDX-License-Identifier: Apache-2.0 */
/* Start of the program; daemon/ has everything behind it. */
#include <stdio.h>

int main(void)
{
	puts("tiercel " TIERCEL_VERSION);
	return 0;
}
