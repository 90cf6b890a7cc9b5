# SPDX-License-Identifier: GPL-2.0-only
#
# "make help" tells what there is. The work is done by test/testbed/.

TESTBED := $(CURDIR)/test/testbed
KDIR ?= /lib/modules/$(shell uname -r)/build

# Set to keep downloads, builds and results elsewhere, see test/testbed/paths.
ifdef VGPU_CACHE
export VGPU_CACHE := $(abspath $(VGPU_CACHE))
endif
ifdef O
export O := $(abspath $(O))
endif
# Tests that are not ours, see test/testbed/igt.
ifdef IGT
export IGT := $(abspath $(IGT))
endif

.DEFAULT_GOAL := help
.PHONY: help demo demo-guests test test-guests test-debug test-igt bench check unit qtest \
	vm-test fuzz fuzz-vf walks mutate shell root qemu modules modules_install sriov_install install clean \
	distclean

help: ## this list
	@sed -n 's/^\([a-z_-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
	@echo
	@echo 'PART=... selects parts of "test", KDIR=... another kernel for "modules".'
	@echo 'VGPU_CACHE=... is where downloads and builds go, O=... results.'

demo: ## four VFs share one GPU and draw: statistics and two pictures
	@$(TESTBED)/prepare
	@$(CURDIR)/test/demo/run

demo-guests: ## the same, each VF in a guest of its own
	@$(TESTBED)/prepare guests
	@$(CURDIR)/test/demo/run guests

test: ## all tests and quality gates; "N passed, N failed" at the end
	@$(TESTBED)/suite $(PART)

test-guests: ## the tests with guests that have VFs; PART=kills KILLS=200: one of them
	@$(if $(KILLS),KILLS=$(KILLS)) $(if $(SEED),SEED=$(SEED)) $(TESTBED)/suite guests$(if $(PART),/$(PART))

test-debug: ## all tests of the drivers on a kernel with all debuggers; PART=many: one
	@$(TESTBED)/suite debug$(if $(PART),/$(PART))

test-igt: ## the generic tests of IGT on a VF; IGT=FILE: of this source, IGT=DIR: installed there
	@$(TESTBED)/suite vm/igt

bench: ## the figures, beside other schedulers: tables, JSON, pictures
	@$(TESTBED)/prepare
	@$(CURDIR)/test/bench/run

check: ## the quality gates only: warnings, sparse, checkpatch
	@$(TESTBED)/suite gates

unit: ## tests of the scheduling core
	@$(TESTBED)/suite unit

walks: ## random walks of the scheduling core: STEPS (10^7) steps, from VGPU_SEED on
	@$(TESTBED)/programs unit
	@VGPU_STEPS=$(or $(STEPS),10000000) $(TESTBED)/in-root /out/unit/test_property

mutate: ## faults put into sched/, SAMPLE (150) of them: do the tests notice?
	@$(TESTBED)/programs unit
	@$(TESTBED)/in-root /vgpu/test/unit/mutate --sample $(or $(SAMPLE),150) \
		$(if $(MUTATE_SEED),--seed $(MUTATE_SEED))

fuzz: ## fuzz the scheduling core for FUZZ_SECONDS (60), with libFuzzer
	@$(TESTBED)/fuzz $(FUZZ_SECONDS)

fuzz-vf: ## fuzz the ioctls of a VF in a VM: CALLS (10^7), SEED (1), FUZZ_SECONDS (80000)
	@$(TESTBED)/prepare vm
	@$(TESTBED)/vm --device vfs=2,vram-size=128M --timeout 86400 \
		$(CURDIR)/test/vm/fuzz.sh $(or $(CALLS),10000000) $(or $(SEED),1) \
		$(or $(FUZZ_SECONDS),80000)

qtest: ## tests of the device, without a kernel
	@$(TESTBED)/suite qtest

vm-test: ## tests of the drivers, in VMs
	@$(TESTBED)/suite vm

shell: ## a VM with the device and the modules, and a shell in it
	@$(TESTBED)/prepare
	@$(TESTBED)/vm --kvm --interactive --kernel-log

root: ## only set up: the Debian 13 build root
	@$(TESTBED)/host
	@$(TESTBED)/root

qemu: root ## only set up: QEMU with the device
	@$(TESTBED)/qemu plain

modules: ## vgpu_pf.ko and vgpu_vf.ko for the running kernel
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

modules_install: ## install them; DESTDIR=... below another root, here and below
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(if $(DESTDIR),INSTALL_MOD_PATH=$(abspath $(DESTDIR))) \
		modules_install

sriov_install: ## install what enables VFs when the system boots (systemd, udev)
	install -D -m 755 pf/vgpu-sriov $(DESTDIR)/usr/sbin/vgpu-sriov
	install -D -m 644 pf/vgpu-sriov@.service \
		$(DESTDIR)/usr/lib/systemd/system/vgpu-sriov@.service
	install -D -m 644 pf/60-vgpu-sriov.rules \
		$(DESTDIR)/usr/lib/udev/rules.d/60-vgpu-sriov.rules
	install -d $(DESTDIR)/etc/vgpu

install: modules_install sriov_install ## both

clean: ## remove what "make modules" built here
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

distclean: ## remove this tree's results and builds; downloads stay
	@$(TESTBED)/distclean
