/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file: which identities may call what, which alerts they may see, and how much they may have open
 * (docs/grpc.md). Immutable once read. The first entry that names an identity counts; whoever is in none may
 * do nothing. Without a file everybody who gets in may do everything but change the sensor.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"
#include "outputs.pb-c.h"

struct peer;
struct policy;
struct policy_entry;

/* name: how messages call the file. -EINVAL with the fault in d; -ENOMEM. */
int policy_new(const char *name, struct str text, struct policy **ret, struct diag *d);
struct policy *policy_free(struct policy *p);

/* NULL: none. Lives as long as the policy. */
const struct policy_entry *policy_find(const struct policy *p, const struct peer *peer);
/* service and method as in the descriptors. */
bool policy_allows(const struct policy_entry *e, const char *service, const char *method);
/* What alerts must meet; NULL: anything. */
const Falco__Outputs__Filter *policy_filter(const struct policy_entry *e);
/* Calls open at once; 0: the general limit. */
uint64_t policy_max_calls(const struct policy_entry *e);
/* Two entries with the same number say the same. */
uint64_t policy_fingerprint(const struct policy_entry *e);
