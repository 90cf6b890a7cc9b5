/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RANDOM_H
#define RANDOM_H

#include "core.h"

u64 random_below(u64 *seed, u64 below);

#endif
