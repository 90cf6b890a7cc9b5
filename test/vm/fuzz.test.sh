#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# vm: vfs=2 vram-size=128M --timeout 300
#
# A few of the sequences that "make fuzz-vf" makes by the million.

. "${0%/*}/fuzz.sh"
