// SPDX-License-Identifier: GPL-2.0-only
/* What is explored. Two functions show each race of two, three those of a queue. */
#include "system.h"

#define FAULT_WORLDS	(FAULT_HANG | FAULT_FLR | FAULT_IMAGE)
#define FAULT_RECORDS	(FAULT_JAM | FAULT_LOSE | FAULT_VANISH | FAULT_TWICE)

const struct setup setups[] = {
	{ .name = "hardware", .policy = "rr", .functions = 2 },
	{ .name = "hardware, three functions", .policy = "rr", .functions = 3 },
	{ .name = "hardware, late interrupts", .policy = "rr", .functions = 2, .irq_ticks = 1 },
	{ .name = "hardware, pauses", .policy = "rr", .functions = 2, .pauses = 2 },
	{ .name = "hardware, early timers", .policy = "rr", .functions = 2, .pauses = 1, .early = true },
	{ .name = "hardware, lost worlds", .policy = "rr", .functions = 2,
	  .faults = FAULT_WORLDS, .budget = 2 },
	{ .name = "hardware, hang", .policy = "rr", .functions = 2, .quick = true,
	  .faults = FAULT_HANG, .budget = 1 },
	{ .name = "hardware, jam", .policy = "rr", .functions = 2, .quick = true,
	  .faults = FAULT_JAM, .budget = 1 },
	{ .name = "hardware, quick pauses", .policy = "rr", .functions = 2,
	  .quick = true, .pauses = 2 },
	{ .name = "hardware, lost records", .policy = "rr", .functions = 2,
	  .faults = FAULT_RECORDS, .budget = 1 },
	{ .name = "hardware, everything", .policy = "rr", .functions = 2, .pauses = 2,
	  .faults = FAULT_WORLDS | FAULT_RECORDS, .budget = 2 },
	{ .name = "hardware, any policy", .policy = "any", .functions = 2,
	  .whims = 3 },
	{ .name = "hardware, any policy, quick", .policy = "any", .functions = 2,
	  .whims = 3, .pauses = 1, .quick = true, .faults = FAULT_HANG, .budget = 1 },
	{ .name = "classic", .policy = "rr", .functions = 2, .classic = true },
	{ .name = "classic, three functions", .policy = "rr", .functions = 3, .classic = true },
	{ .name = "classic, late interrupts", .policy = "rr", .functions = 2, .irq_ticks = 1,
	  .classic = true },
	{ .name = "classic, pauses", .policy = "rr", .functions = 2, .pauses = 2, .classic = true },
	{ .name = "classic, early timers", .policy = "rr", .functions = 2, .pauses = 1, .early = true,
	  .classic = true },
	{ .name = "classic, lost worlds", .policy = "rr", .functions = 2,
	  .faults = FAULT_WORLDS, .budget = 2, .classic = true },
	{ .name = "classic, hang", .policy = "rr", .functions = 2, .quick = true,
	  .faults = FAULT_HANG, .budget = 1, .classic = true },
	{ .name = "classic, lost records", .policy = "rr", .functions = 2,
	  .faults = FAULT_RECORDS, .budget = 1, .classic = true },
	{ .name = "classic, everything", .policy = "rr", .functions = 2, .pauses = 2,
	  .faults = FAULT_WORLDS | FAULT_RECORDS, .budget = 2, .classic = true },
	{ .name = "classic, any policy", .policy = "any", .functions = 2,
	  .whims = 3, .classic = true },
	{ .name = "classic, any policy, quick", .policy = "any", .functions = 2,
	  .whims = 3, .pauses = 1, .quick = true, .faults = FAULT_HANG, .budget = 1,
	  .classic = true },
};

const unsigned int setups_count = ARRAY_SIZE(setups);
