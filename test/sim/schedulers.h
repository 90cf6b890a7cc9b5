/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCHEDULERS_H
#define SCHEDULERS_H

#include "sim.h"

extern const struct sim_scheduler sim_core;
extern const struct sim_scheduler sim_gim_old;
extern const struct sim_scheduler sim_gim_new;
extern const struct sim_scheduler sim_gim_new_rr;
extern const struct sim_scheduler sim_gvt_g;
extern const struct sim_scheduler sim_best_effort;
extern const struct sim_scheduler sim_adaptive_rr;

#endif
