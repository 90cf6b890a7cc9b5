/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Intel VT-d, as much of it as gives each VF memory of its own at the same
 * address, and shows the PF memory as it is.
 */
#ifndef IOMMU_H
#define IOMMU_H

#include "gpu.h"

/* Where a VF sees its memory, and where that is. */
#define IOVA			(128 * MIB)
#define IOVA_BYTES		(2 * MIB)
#define IOVA_MEMORY(f)		(192 * MIB + (f) * IOVA_BYTES)

/**
 * iommu_start() - switch the IOMMU on
 * @g: GPU, started with an IOMMU
 * @mapped: VFs 1…@mapped have IOVA_MEMORY(), the others have nothing
 */
void iommu_start(struct gpu *g, unsigned int mapped);

#endif
