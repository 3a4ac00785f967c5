/* SPDX-License-Identifier: Apache-2.0 */
/* What `tail` asks for, as a falco.outputs.request. */
#pragma once

#include "base/strbuf.h"
#include "client/options.h"
#include "outputs.pb-c.h"

enum { REQUEST_LAST = 10 }; /* alerts, where no beginning is given */

/* after: the last position seen; NULL: from the beginning that the options give. Packed, in place of what is in
 * out. -ENOMEM. */
int request_pack(const struct client_options *o, const Falco__Outputs__Cursor *after,
		 struct strbuf *out);
/* Something that only Tiercel heeds is wanted. */
bool request_is_ours(const struct client_options *o);
