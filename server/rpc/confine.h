/* SPDX-License-Identifier: Apache-2.0 */
/* What the network process gives up once it listens. */
#pragma once

#include "base/str.h"

/*
 * The whole process becomes the user (all its threads), with no other group and no way back. Nothing happens
 * when user is empty or the process is not root already. -ENOENT: no such user; -EPERM and the like.
 */
int confine_user(struct str user);
