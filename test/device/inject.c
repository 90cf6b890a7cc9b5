// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only an experimenter can do, by QOM properties at run time: inject
 * faults, and see how often registers are accessed. No guest can.
 */
#include "device.h"
#include "hw/pci/pcie.h"
#include "hw/pci/pcie_aer.h"
#include "qapi/error.h"
#include "qapi/visitor.h"

static void describe(ObjectClass *klass, const char *name, const char *what)
{
	object_class_property_set_description(klass, name, what);
}

static bool get_dead(Object *obj, Error **errp)
{
	return vgpu_pci_core(obj)->inject.dead;
}

/* When the device comes back to life it is as after a reset. */
static void set_dead(Object *obj, bool value, Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);

	if (!core->fn)
		core->inject.dead = value;
	if (value == core->inject.dead)
		return;
	vgpu_core_enter(core);
	core->inject.dead = value;
	vgpu_core_leave(core);
	if (!value)
		vgpu_core_reset(core);
}

static bool save_is_stuck(const struct vgpu_engine *engine)
{
	return engine->state == VGPU_ENGINE_SAVING && engine->phase_end == VGPU_NEVER;
}

static bool get_stuck_save(Object *obj, Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);

	return core->inject.stuck_save || save_is_stuck(&core->engine);
}

static void set_stuck_save(Object *obj, bool value, Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);
	struct vgpu_engine *engine = &core->engine;
	uint64_t now;

	core->inject.stuck_save = value;
	if (!core->fn)
		return;
	now = vgpu_core_enter(core);
	if (!value && save_is_stuck(engine))
		engine->phase_end = now;
	vgpu_core_leave(core);
}

static void get_never_quiesce(Object *obj, Visitor *v, const char *name, void *opaque,
			      Error **errp)
{
	visit_type_int32(v, name, &vgpu_pci_core(obj)->inject.never_quiesce, errp);
}

static void set_never_quiesce(Object *obj, Visitor *v, const char *name, void *opaque,
			      Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);
	int32_t function;

	if (!visit_type_int32(v, name, &function, errp))
		return;
	if (function < -1 || function >= (int)core->functions) {
		error_setg(errp, "%s: %d is no function, allowed: -1 (none) to %d", name,
			   function, (int)core->functions - 1);
		return;
	}
	vgpu_core_enter(core);
	core->inject.never_quiesce = function;
	if (function != core->engine.function)
		core->engine.work.hung = false;
	vgpu_core_leave(core);
}

static void get_lost_interrupts(Object *obj, Visitor *v, const char *name, void *opaque,
				Error **errp)
{
	visit_type_uint32(v, name, &vgpu_pci_core(obj)->inject.lost_interrupts, errp);
}

static void set_lost_interrupts(Object *obj, Visitor *v, const char *name, void *opaque,
				Error **errp)
{
	visit_type_uint32(v, name, &vgpu_pci_core(obj)->inject.lost_interrupts, errp);
}

static void get_strange_switches(Object *obj, Visitor *v, const char *name, void *opaque,
				 Error **errp)
{
	visit_type_uint32(v, name, &vgpu_pci_core(obj)->inject.strange_switches, errp);
}

static void set_strange_switches(Object *obj, Visitor *v, const char *name, void *opaque,
				 Error **errp)
{
	visit_type_uint32(v, name, &vgpu_pci_core(obj)->inject.strange_switches, errp);
}

/* Flips a bit of the image that is in VRAM at this moment. */
static void set_damaged_image(Object *obj, Visitor *v, const char *name, void *opaque,
			      Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);
	uint32_t function;

	if (!visit_type_uint32(v, name, &function, errp))
		return;
	if (function >= core->functions || !vgpu_world_image_valid(&core->fn[function])) {
		error_setg(errp, "%s: function %u has no image in VRAM", name, function);
		return;
	}
	vgpu_core_enter(core);
	core->vram[core->fn[function].image + offsetof(struct vgpu_image, gpu_time)] ^= 1;
	vgpu_core_leave(core);
}

static void get_count(Object *obj, Visitor *v, const char *name, void *opaque, Error **errp)
{
	struct vgpu_core *core = vgpu_pci_core(obj);
	uint64_t value = *(uint64_t *)((uint8_t *)core + (uintptr_t)opaque);

	visit_type_uint64(v, name, &value, errp);
}

static void set_ecc(Object *obj, const char *value, Error **errp)
{
	PCIDevice *pci = PCI_DEVICE(obj);
	PCIEAERErr error = {};

	if (!strcmp(value, "correctable")) {
		error.status = PCI_ERR_COR_INTERNAL;
		error.flags = PCIE_AER_ERR_IS_CORRECTABLE;
	} else if (!strcmp(value, "poisoned")) {
		error.status = PCI_ERR_UNC_POISON_TLP;
	} else if (!strcmp(value, "uncorrectable")) {
		error.status = PCI_ERR_UNC_INTN;
	} else {
		error_setg(errp, "inject-ecc: '%s', allowed: correctable, poisoned, uncorrectable",
			   value);
		return;
	}
	error.source_id = pci_requester_id(pci);
	if (!pci->exp.aer_cap || pcie_aer_inject_error(pci, &error) < 0)
		error_setg(errp, "inject-ecc: the error could not be reported");
}

/* For the PF and for each VF. */
void vgpu_inject_ecc_property(ObjectClass *klass)
{
	object_class_property_add_str(klass, "inject-ecc", NULL, set_ecc);
	describe(klass, "inject-ecc",
		 "report a memory error now: correctable, poisoned or uncorrectable");
}

void vgpu_inject_properties(ObjectClass *klass)
{
	vgpu_inject_ecc_property(klass);
	object_class_property_add_bool(klass, "inject-dead", get_dead, set_dead);
	describe(klass, "inject-dead", "registers read all-ones, nothing runs");
	object_class_property_add_bool(klass, "inject-stuck-save", get_stuck_save,
				       set_stuck_save);
	describe(klass, "inject-stuck-save", "the next save of a world does not end");
	object_class_property_add(klass, "inject-never-quiesce", "int32", get_never_quiesce,
				  set_never_quiesce, NULL, NULL);
	describe(klass, "inject-never-quiesce",
		 "the function whose work reaches no preemption point, or -1");
	object_class_property_add(klass, "inject-lost-interrupts", "uint32",
				  get_lost_interrupts, set_lost_interrupts, NULL, NULL);
	describe(klass, "inject-lost-interrupts",
		 "so many interrupts of the event queue will not come");
	object_class_property_add(klass, "inject-strange-switches", "uint32",
				  get_strange_switches, set_strange_switches, NULL, NULL);
	describe(klass, "inject-strange-switches",
		 "so many records SWITCHED are wrong: twice, backwards, or without a time");
	object_class_property_add(klass, "inject-damaged-image", "uint32", NULL,
				  set_damaged_image, NULL, NULL);
	describe(klass, "inject-damaged-image",
		 "damage the saved world of this function now");
	object_class_property_add(klass, "mmio-reads", "uint64", get_count, NULL, NULL,
				  (void *)offsetof(struct vgpu_core, mmio_reads));
	describe(klass, "mmio-reads", "reads of the PF's registers so far");
	object_class_property_add(klass, "mmio-writes", "uint64", get_count, NULL, NULL,
				  (void *)offsetof(struct vgpu_core, mmio_writes));
	describe(klass, "mmio-writes", "writes of the PF's registers so far");
}
