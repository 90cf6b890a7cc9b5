// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vgpu as PCI functions: "vgpu" is the PF, "vgpu-vf" the VFs that it makes.
 *
 * A VF's window on VRAM is an alias of its range in front of a region that
 * counts what goes beyond. Registers and the MSI-X table share BAR 0.
 */
#include "device.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_sriov.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "system/hostmem.h"
#include "trace.h"

#define TYPE_VGPU	"vgpu"
#define TYPE_VGPU_VF	"vgpu-vf"

/* Extended capabilities. SR-IOV is last: its reset writes beyond its end. */
#define CAP_PCIE	0x80
#define CAP_AER		0x100
#define CAP_ARI		0x150
#define CAP_SRIOV	0x200

#define BAR_TYPE	(PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH)

/* BAR 0 of a function: registers below, MSI-X above. */
struct vgpu_bar {
	MemoryRegion bar;
	MemoryRegion registers;
};

struct vgpu_pf {
	PCIDevice parent;
	struct vgpu_core core;
	struct vgpu_bar regs;
	MemoryRegion vram_bar;
	MemoryRegion vram_ram;
	MemoryRegion *vram;
	HostMemoryBackend *memdev;
};

struct vgpu_vf {
	PCIDevice parent;
	struct vgpu_function *fn;
	struct vgpu_bar regs;
	MemoryRegion window_bar;
	MemoryRegion window;
	MemoryRegion beyond;
};

DECLARE_INSTANCE_CHECKER(struct vgpu_pf, VGPU_PF_OBJECT, TYPE_VGPU)
DECLARE_INSTANCE_CHECKER(struct vgpu_vf, VGPU_VF_OBJECT, TYPE_VGPU_VF)

struct vgpu_core *vgpu_pci_core(Object *obj)
{
	return &VGPU_PF_OBJECT(obj)->core;
}

void vgpu_pci_interrupt(struct vgpu_function *fn, unsigned int vector)
{
	PCIDevice *pci = fn->pci;

	if (fn->core->gone || fn->core->inject.dead || !pci || !pci->enabled ||
	    !msix_enabled(pci))
		return;
	object_ref(OBJECT(pci));
	msix_notify(pci, vector);
	object_unref(OBJECT(pci));
}

/* ------------------------------------------------------------------ registers */

static MemTxResult regs_read(void *opaque, hwaddr offset, uint64_t *value,
			     unsigned int size, MemTxAttrs attrs)
{
	struct vgpu_function *fn = opaque;
	struct vgpu_core *core = fn->core;

	if (core->busy) {
		trace_vgpu_reentrant(fn->number, offset);
		return MEMTX_ERROR;
	}
	if (fn->number == VGPU_FUNCTION_PF)
		core->mmio_reads++;
	if (core->inject.dead) {
		*value = MAKE_64BIT_MASK(0, size * 8);
		return MEMTX_OK;
	}
	vgpu_core_enter(core);
	*value = vgpu_reg_read(fn, offset, size);
	trace_vgpu_reg_read(core->time, fn->number, offset, size, *value);
	vgpu_core_leave(core);
	return MEMTX_OK;
}

static MemTxResult regs_write(void *opaque, hwaddr offset, uint64_t value,
			      unsigned int size, MemTxAttrs attrs)
{
	struct vgpu_function *fn = opaque;
	struct vgpu_core *core = fn->core;

	if (core->busy) {
		trace_vgpu_reentrant(fn->number, offset);
		return MEMTX_ERROR;
	}
	if (fn->number == VGPU_FUNCTION_PF)
		core->mmio_writes++;
	if (core->inject.dead)
		return MEMTX_OK;
	vgpu_core_enter(core);
	trace_vgpu_reg_write(core->time, fn->number, offset, size, value);
	vgpu_reg_write(fn, offset, value, size);
	vgpu_core_leave(core);
	return MEMTX_OK;
}

static const MemoryRegionOps regs_ops = {
	.read_with_attrs = regs_read,
	.write_with_attrs = regs_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* Accesses beyond the range of a VF. */
static uint64_t beyond_read(void *opaque, hwaddr offset, unsigned int size)
{
	struct vgpu_vf *vf = opaque;

	vf->fn->violations++;
	return MAKE_64BIT_MASK(0, size * 8);
}

static void beyond_write(void *opaque, hwaddr offset, uint64_t value, unsigned int size)
{
	struct vgpu_vf *vf = opaque;

	vf->fn->violations++;
}

static const MemoryRegionOps beyond_ops = {
	.read = beyond_read,
	.write = beyond_write,
	.endianness = DEVICE_LITTLE_ENDIAN,
	.valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
	.impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

/* The VRAM range of @fn has changed: move its window. */
void vgpu_pci_window_changed(struct vgpu_function *fn)
{
	uint64_t bytes = MIN(vgpu_vram_bytes(fn), fn->core->config.window_size);
	struct vgpu_vf *vf;

	if (fn->number == VGPU_FUNCTION_PF || !fn->pci)
		return;
	vf = VGPU_VF_OBJECT(fn->pci);
	memory_region_transaction_begin();
	memory_region_set_enabled(&vf->window, bytes > 0);
	if (bytes) {
		memory_region_set_alias_offset(&vf->window, fn->vram_base);
		memory_region_set_size(&vf->window, bytes);
	}
	memory_region_transaction_commit();
}

/* ------------------------------------------------------------ both kinds alike */

static bool init_regs(PCIDevice *pci, struct vgpu_bar *regs, struct vgpu_function *fn,
		      uint64_t bytes, uint8_t type, unsigned int vectors, Error **errp)
{
	unsigned int i;

	memory_region_init(&regs->bar, OBJECT(pci), "vgpu-bar0", bytes);
	memory_region_init_io(&regs->registers, OBJECT(pci), &regs_ops, fn,
			      "vgpu-registers", bytes);
	memory_region_add_subregion_overlap(&regs->bar, 0, &regs->registers, -1);
	pci_register_bar(pci, VGPU_BAR_REGS, type, &regs->bar);
	if (msix_init(pci, vectors, &regs->bar, VGPU_BAR_REGS, VGPU_BAR_MSIX_TABLE,
		      &regs->bar, VGPU_BAR_REGS, VGPU_BAR_MSIX_PBA, 0, errp))
		return false;
	for (i = 0; i < vectors; i++)
		msix_vector_use(pci, i);
	return true;
}

static bool init_caps(PCIDevice *pci, Error **errp)
{
	if (pcie_endpoint_cap_init(pci, CAP_PCIE) < 0) {
		error_setg(errp, "vgpu: must be on a PCI Express bus");
		return false;
	}
	pcie_cap_flr_init(pci);
	if (pcie_aer_init(pci, PCI_ERR_VER, CAP_AER, PCI_ERR_SIZEOF, errp) < 0)
		return false;
	/* Memory errors are internal errors, and meant to be heard of. */
	pci_long_test_and_clear_mask(pci->config + CAP_AER + PCI_ERR_UNCOR_MASK,
				     PCI_ERR_UNC_INTN);
	pci_long_test_and_clear_mask(pci->config + CAP_AER + PCI_ERR_COR_MASK,
				     PCI_ERR_COR_INTERNAL);
	pcie_ari_init(pci, CAP_ARI);
	return true;
}

static void exit_caps(PCIDevice *pci, struct vgpu_bar *regs)
{
	pcie_aer_exit(pci);
	pcie_cap_exit(pci);
	msix_unuse_all_vectors(pci);
	msix_uninit(pci, &regs->bar, &regs->bar);
}

static void vgpu_config_write(PCIDevice *pci, uint32_t address, uint32_t value, int len)
{
	pci_default_write_config(pci, address, value, len);
	pcie_aer_write_config(pci, address, value, len);
	pcie_cap_flr_write_config(pci, address, value, len);
}

static bool is_flr(PCIDevice *pci)
{
	return pci_get_word(pci->config + pci->exp.exp_cap + PCI_EXP_DEVCTL) &
	       PCI_EXP_DEVCTL_BCR_FLR;
}

/* ---------------------------------------------------------------------------- VF */

static void vf_realize(PCIDevice *pci, Error **errp)
{
	struct vgpu_vf *vf = VGPU_VF_OBJECT(pci);
	struct vgpu_pf *pf = VGPU_PF_OBJECT(pcie_sriov_get_pf(pci));
	struct vgpu_core *core = &pf->core;
	uint64_t window = core->config.window_size;

	vf->fn = &core->fn[1 + pcie_sriov_vf_number(pci)];
	pci->config_write = vgpu_config_write;

	memory_region_init(&vf->window_bar, OBJECT(vf), "vgpu-bar2", window);
	memory_region_init_io(&vf->beyond, OBJECT(vf), &beyond_ops, vf, "vgpu-beyond", window);
	memory_region_add_subregion_overlap(&vf->window_bar, 0, &vf->beyond, -1);
	memory_region_init_alias(&vf->window, OBJECT(vf), "vgpu-window", pf->vram, 0,
				 VGPU_GRANULE);
	memory_region_set_enabled(&vf->window, false);
	memory_region_add_subregion(&vf->window_bar, 0, &vf->window);
	pci_register_bar(pci, VGPU_BAR_VRAM, BAR_TYPE, &vf->window_bar);

	if (!init_regs(pci, &vf->regs, vf->fn, VGPU_VF_BAR_BYTES, BAR_TYPE,
		       1 + core->config.rings, errp) ||
	    !init_caps(pci, errp))
		return;
	vgpu_function_init(core, vf->fn->number, pci);
}

static void vf_exit(PCIDevice *pci)
{
	struct vgpu_vf *vf = VGPU_VF_OBJECT(pci);

	vf->fn->pci = NULL;
	exit_caps(pci, &vf->regs);
}

static void vf_reset_hold(Object *obj, ResetType type)
{
	struct vgpu_vf *vf = VGPU_VF_OBJECT(obj);

	if (vf->fn && vf->fn->pci)
		vgpu_function_reset(vf->fn, is_flr(PCI_DEVICE(obj)));
}

static const VMStateDescription vf_vmstate = {
	.name = TYPE_VGPU_VF,
	.unmigratable = 1,
};

static void vf_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

	pc->realize = vf_realize;
	pc->exit = vf_exit;
	pc->vendor_id = VGPU_PCI_VENDOR;
	pc->device_id = VGPU_PCI_DEVICE_VF;
	pc->class_id = VGPU_PCI_CLASS;
	RESETTABLE_CLASS(klass)->phases.hold = vf_reset_hold;
	dc->desc = "vgpu virtual function";
	dc->vmsd = &vf_vmstate;
	dc->user_creatable = false;
	set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
	vgpu_inject_ecc_property(klass);
}

/* ---------------------------------------------------------------------------- PF */

static bool check_config(struct vgpu_config *config, Error **errp)
{
	if (config->vfs >= VGPU_MAX_FUNCTIONS)
		error_setg(errp, "vgpu: vfs=%u, allowed: 0 to %u", config->vfs,
			   VGPU_MAX_FUNCTIONS - 1);
	else if (!config->rings || config->rings > VGPU_MAX_RINGS)
		error_setg(errp, "vgpu: rings=%u, allowed: 1 to %u", config->rings,
			   VGPU_MAX_RINGS);
	else if (!config->packet_ns || !config->bandwidth || !config->op_rate)
		error_setg(errp, "vgpu: packet-ns, bandwidth and op-rate must not be 0");
	else if (!config->group_ns || config->group_ns > 1000000000)
		error_setg(errp, "vgpu: group-ns=%u, allowed: 1 to 1000000000",
			   config->group_ns);
	else if (!config->vram_size || config->vram_size % VGPU_GRANULE ||
		 config->vram_size > 1ull << 40)
		error_setg(errp, "vgpu: vram-size must be a multiple of 2M, up to 1T");
	else if (config->window_size && (!is_power_of_2(config->window_size) ||
					 config->window_size < 65536))
		error_setg(errp, "vgpu: vf-window-size must be a power of two, at least 64K");
	else if (config->context_bytes % 4096 || !config->context_bytes ||
		 config->context_bytes > 1u << 30)
		error_setg(errp, "vgpu: context-bytes must be a multiple of 4K, up to 1G");
	else
		return true;
	return false;
}

static bool init_vram(struct vgpu_pf *pf, Error **errp)
{
	struct vgpu_config *config = &pf->core.config;

	if (pf->memdev && host_memory_backend_is_mapped(pf->memdev)) {
		error_setg(errp, "vgpu: memdev is in use already");
		return false;
	}
	if (pf->memdev) {
		pf->vram = host_memory_backend_get_memory(pf->memdev);
		host_memory_backend_set_mapped(pf->memdev, true);
	} else {
		if (!memory_region_init_ram_nomigrate(&pf->vram_ram, OBJECT(pf), "vgpu-vram",
						      config->vram_size, errp))
			return false;
		pf->vram = &pf->vram_ram;
	}
	pf->core.vram = memory_region_get_ram_ptr(pf->vram);
	memory_region_init(&pf->vram_bar, OBJECT(pf), "vgpu-bar2", pow2ceil(config->vram_size));
	memory_region_add_subregion(&pf->vram_bar, 0, pf->vram);
	pci_register_bar(PCI_DEVICE(pf), VGPU_BAR_VRAM, BAR_TYPE, &pf->vram_bar);
	return true;
}

static bool init_sriov(PCIDevice *pci, struct vgpu_config *config, Error **errp)
{
	if (!config->vfs)
		return true;
	if (!pcie_sriov_pf_init(pci, CAP_SRIOV, TYPE_VGPU_VF, VGPU_PCI_DEVICE_VF, config->vfs,
				config->vfs, 1, 1, errp))
		return false;
	pcie_sriov_pf_init_vf_bar(pci, VGPU_BAR_REGS, BAR_TYPE, VGPU_VF_BAR_BYTES);
	pcie_sriov_pf_init_vf_bar(pci, VGPU_BAR_VRAM, BAR_TYPE, config->window_size);
	return true;
}

/* Undoes all of realize but SR-IOV. */
static void exit_pf(struct vgpu_pf *pf)
{
	vgpu_core_exit(&pf->core);
	exit_caps(PCI_DEVICE(pf), &pf->regs);
	memory_region_del_subregion(&pf->vram_bar, pf->vram);
	if (pf->memdev)
		host_memory_backend_set_mapped(pf->memdev, false);
}

static void pf_realize(PCIDevice *pci, Error **errp)
{
	struct vgpu_pf *pf = VGPU_PF_OBJECT(pci);
	struct vgpu_core *core = &pf->core;
	struct vgpu_config *config = &core->config;

	pci->config_write = vgpu_config_write;
	if (pf->memdev)
		config->vram_size =
			memory_region_size(host_memory_backend_get_memory(pf->memdev));
	if (!check_config(config, errp))
		return;
	if (!config->window_size)
		config->window_size = pow2ceil(config->vram_size);
	if (!init_vram(pf, errp))
		return;
	core->pf = pci;
	vgpu_core_init(core);
	vgpu_function_init(core, VGPU_FUNCTION_PF, pci);
	if (!init_regs(pci, &pf->regs, &core->fn[0], VGPU_PF_BAR_BYTES,
		       PCI_BASE_ADDRESS_MEM_TYPE_64, 2 + config->rings, errp) ||
	    !init_caps(pci, errp) || !init_sriov(pci, config, errp))
		exit_pf(pf);
}

static void pf_exit(PCIDevice *pci)
{
	pcie_sriov_pf_exit(pci);
	exit_pf(VGPU_PF_OBJECT(pci));
}

static void pf_finalize(Object *obj)
{
	struct vgpu_pf *pf = VGPU_PF_OBJECT(obj);

	g_free(pf->core.fn);
	g_free(pf->core.engine.work.scratch);
}

static void pf_reset_hold(Object *obj, ResetType type)
{
	struct vgpu_core *core = vgpu_pci_core(obj);

	if (core->fn && !core->gone)
		vgpu_core_reset(core);
}

static const VMStateDescription pf_vmstate = {
	.name = TYPE_VGPU,
	.unmigratable = 1,
};

#define CONFIG(kind, name, field, value) \
	DEFINE_PROP_ ## kind(name, struct vgpu_pf, core.config.field, value)

static const Property pf_properties[] = {
	CONFIG(UINT16, "vfs", vfs, 63),
	CONFIG(UINT8, "rings", rings, 4),
	CONFIG(SIZE, "vram-size", vram_size, 256ull << 20),
	DEFINE_PROP_LINK("memdev", struct vgpu_pf, memdev, TYPE_MEMORY_BACKEND,
			 HostMemoryBackend *),
	CONFIG(SIZE, "vf-window-size", window_size, 0),
	CONFIG(BOOL, "hw-deadline", hw_deadline, true),
	CONFIG(BOOL, "boundary", boundary, true),
	CONFIG(UINT32, "save-ns", save_ns, VGPU_DEFAULT_SAVE_NS),
	CONFIG(UINT32, "load-ns", load_ns, VGPU_DEFAULT_LOAD_NS),
	CONFIG(UINT32, "reset-ns", reset_ns, VGPU_DEFAULT_RESET_NS),
	CONFIG(UINT32, "group-ns", group_ns, VGPU_DEFAULT_GROUP_NS),
	CONFIG(UINT32, "packet-ns", packet_ns, 50),
	CONFIG(UINT32, "bandwidth", bandwidth, 64000),
	CONFIG(UINT32, "op-rate", op_rate, 32000),
	CONFIG(UINT32, "image-bandwidth", image_bandwidth, VGPU_DEFAULT_IMAGE_BANDWIDTH),
	CONFIG(UINT32, "context-bytes", context_bytes, VGPU_DEFAULT_CONTEXT_BYTES),
};

static void pf_class_init(ObjectClass *klass, void *data)
{
	DeviceClass *dc = DEVICE_CLASS(klass);
	PCIDeviceClass *pc = PCI_DEVICE_CLASS(klass);

	pc->realize = pf_realize;
	pc->exit = pf_exit;
	pc->vendor_id = VGPU_PCI_VENDOR;
	pc->device_id = VGPU_PCI_DEVICE_PF;
	pc->class_id = VGPU_PCI_CLASS;
	RESETTABLE_CLASS(klass)->phases.hold = pf_reset_hold;
	dc->desc = "vgpu SR-IOV GPU";
	dc->vmsd = &pf_vmstate;
	device_class_set_props(dc, pf_properties);
	set_bit(DEVICE_CATEGORY_DISPLAY, dc->categories);
	vgpu_inject_properties(klass);
}

static const TypeInfo types[] = {
	{
		.name = TYPE_VGPU,
		.parent = TYPE_PCI_DEVICE,
		.instance_size = sizeof(struct vgpu_pf),
		.instance_finalize = pf_finalize,
		.class_init = pf_class_init,
		.interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
	}, {
		.name = TYPE_VGPU_VF,
		.parent = TYPE_PCI_DEVICE,
		.instance_size = sizeof(struct vgpu_vf),
		.class_init = vf_class_init,
		.interfaces = (InterfaceInfo[]) { { INTERFACE_PCIE_DEVICE }, { } },
	},
};

DEFINE_TYPES(types)
