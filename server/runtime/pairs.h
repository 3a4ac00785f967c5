/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of runtime/: entries of maps; protobuf-c gives each message type of its own, of the same shape. */
#pragma once

#include <errno.h>

#include "runtime/answer.h"

#define PAIRS(entries, n, l, a, ret, ret_n)                                                        \
	({                                                                                         \
		struct info_pair *pairs_ = arena_array(a, (n) + 1, sizeof(*pairs_));               \
		size_t kept_ = 0;                                                                  \
		for (size_t i_ = 0; pairs_ && i_ < (n) && kept_ < INFO_PAIRS_MAX; i_++) {          \
			struct str v_ = str_of((entries)[i_]->value);                              \
			if (v_.len > INFO_TEXT_MAX ||                                              \
			    ((l)->label_max_len && v_.len > (l)->label_max_len))                   \
				continue;                                                          \
			pairs_[kept_].key = answer_keep((entries)[i_]->key, a);                    \
			pairs_[kept_++].value = answer_keep((entries)[i_]->value, a);              \
		}                                                                                  \
		*(ret) = pairs_;                                                                   \
		*(ret_n) = pairs_ ? kept_ : 0;                                                     \
		pairs_ ? 0 : -ENOMEM;                                                              \
	})

#define PAIR_VALUE(entries, n, wanted)                                                             \
	({                                                                                         \
		const char *found_ = NULL;                                                         \
		for (size_t i_ = 0; i_ < (n) && !found_; i_++)                                     \
			if (str_eqz(str_of((entries)[i_]->key), wanted))                           \
				found_ = (entries)[i_]->value;                                     \
		found_;                                                                            \
	})
