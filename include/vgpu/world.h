/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * The world switch: commands, states and the image of a saved world.
 *
 * The engine holds one world or none. The single commands walk it through
 *
 *              LOAD              RUN               PREEMPT
 *   EMPTY ---> LOADING ---> LOADED ---> RUNNING ---> QUIESCING ---> QUIESCED
 *     ^                                                 | timeout     | SAVE
 *     |                                                 v             v
 *     +------------------------------------------- RESETTING       SAVING
 *     +------------------------------------------------------------------+
 *
 * A running world is asked to leave by PREEMPT or NEXT; it quiesces at its next
 * preemption point (packets.h). Asked by BOUNDARY, or NEXT with
 * VGPU_PF_NEXT_BOUNDARY, it first comes to a boundary: the ring packet that is
 * under way, an INDIRECT with its whole buffer, ends, blocks at a WAIT or is
 * halted; no other packet is begun, of any ring. That takes the preempt timeout
 * at most. Then, or when it is asked by PREEMPT or by NEXT with NOW, it is
 * preempted in the middle after all, and has the whole preempt timeout for that:
 *
 *   asked --> finishes its packet --boundary--> QUIESCED
 *                   | timeout, PREEMPT, NOW        ^
 *                   v                              |
 *                 preempted ----preemption point---+
 *                   | timeout once more
 *                   v
 *                 RESETTING
 *
 * All that is QUIESCING, and the request time in records is that of the first
 * request. If nothing was under way the world has quiesced at once.
 *
 * RESET of the function on the engine is legal in every state but EMPTY and
 * RESETTING. With VGPU_PF_CAPS_DEADLINE the device walks the same path by itself
 * for VGPU_PF_NEXT, without a gap between the steps. A single command other than
 * RESET or INIT is refused while a switch that the device does by itself is
 * under way; PREEMPT, SAVE, LOAD and RUN otherwise mix freely with NEXT (a RUN
 * has no deadline).
 */
#ifndef VGPU_WORLD_H
#define VGPU_WORLD_H

#include "regs.h"

/**
 * enum vgpu_world_cmd - VGPU_PF_CMD_CODE
 * @VGPU_CMD_INIT: write the image of a world that has never run; legal off the
 *	engine, also while the function is closed; answered by
 *	VGPU_EVENT_INITIALISED. Takes no engine time. Rings keep their
 *	registers; a ring with work in flight that was lost stays halted by
 *	VGPU_FAULT_RESET.
 * @VGPU_CMD_PREEMPT: ask the running world to stop at its next preemption point;
 *	answered by QUIESCED, or by HANG after the preempt timeout. Disarms
 *	nothing, but NEXT is not taken until RUN, or until the engine is empty.
 *	Legal also after BOUNDARY, while the world finishes its packet; then
 *	there is one answer to both.
 * @VGPU_CMD_SAVE: save the quiesced world; answered by SAVED
 * @VGPU_CMD_LOAD: load the image of a world into the empty engine; answered by
 *	LOADED, or by REFUSED if the image is damaged
 * @VGPU_CMD_RUN: let the loaded (or quiesced) world run; answered by RUNNING
 * @VGPU_CMD_RESET: throw the world away. On the engine: takes
 *	VGPU_PF_COST_RESET, then the engine is empty. Off the engine: at once.
 *	Rings that had unfinished work are halted by VGPU_FAULT_RESET. The world
 *	has no image until INIT. Answered by VGPU_EVENT_RESET.
 * @VGPU_CMD_BOUNDARY: with VGPU_PF_CAPS_BOUNDARY only: as PREEMPT, but the world
 *	first finishes its ring packet
 */
enum vgpu_world_cmd {
	VGPU_CMD_INIT		= 1,
	VGPU_CMD_PREEMPT	= 2,
	VGPU_CMD_SAVE		= 3,
	VGPU_CMD_LOAD		= 4,
	VGPU_CMD_RUN		= 5,
	VGPU_CMD_RESET		= 6,
	VGPU_CMD_BOUNDARY	= 7,
};

/**
 * enum vgpu_engine_state - VGPU_PF_ENGINE_STATE
 * @VGPU_ENGINE_EMPTY: no world
 * @VGPU_ENGINE_LOADING: reading an image
 * @VGPU_ENGINE_LOADED: loaded, not running
 * @VGPU_ENGINE_RUNNING: running, or idle but free to run
 * @VGPU_ENGINE_QUIESCING: asked to stop, not at a preemption point (or boundary) yet
 * @VGPU_ENGINE_QUIESCED: stopped
 * @VGPU_ENGINE_SAVING: writing an image
 * @VGPU_ENGINE_RESETTING: being reset
 */
enum vgpu_engine_state {
	VGPU_ENGINE_EMPTY	= 0,
	VGPU_ENGINE_LOADING	= 1,
	VGPU_ENGINE_LOADED	= 2,
	VGPU_ENGINE_RUNNING	= 3,
	VGPU_ENGINE_QUIESCING	= 4,
	VGPU_ENGINE_QUIESCED	= 5,
	VGPU_ENGINE_SAVING	= 6,
	VGPU_ENGINE_RESETTING	= 7,
};

/**
 * enum vgpu_world_state - VGPU_PF_FN_STATUS_WORLD
 * @VGPU_WORLD_NONE: no image; INIT makes one
 * @VGPU_WORLD_SAVED: has an image, can be loaded
 * @VGPU_WORLD_ON_ENGINE: on the engine, in whatever state
 * @VGPU_WORLD_HUNG: was reset by its preempt timeout; INIT makes a new image
 */
enum vgpu_world_state {
	VGPU_WORLD_NONE		= 0,
	VGPU_WORLD_SAVED	= 1,
	VGPU_WORLD_ON_ENGINE	= 2,
	VGPU_WORLD_HUNG		= 3,
};

/**
 * enum vgpu_refusal - why a command or NEXT was refused
 * @VGPU_REFUSED_COMMAND: no such command
 * @VGPU_REFUSED_FUNCTION: no such function
 * @VGPU_REFUSED_STATE: not legal in the engine's or the world's present state
 * @VGPU_REFUSED_CLOSED: the function is not open, or an FLR is pending
 * @VGPU_REFUSED_NO_IMAGE: the world has no image
 * @VGPU_REFUSED_BAD_IMAGE: the image is damaged or outside VRAM; the engine is left
 *	empty and the world has no image any more
 */
enum vgpu_refusal {
	VGPU_REFUSED_COMMAND	= 1,
	VGPU_REFUSED_FUNCTION	= 2,
	VGPU_REFUSED_STATE	= 3,
	VGPU_REFUSED_CLOSED	= 4,
	VGPU_REFUSED_NO_IMAGE	= 5,
	VGPU_REFUSED_BAD_IMAGE	= 6,
};

#define VGPU_IMAGE_MAGIC	0x474d4957u	/* "WIMG" */
#define VGPU_IMAGE_VERSION	1

/**
 * struct vgpu_image_ring - where a ring stopped
 * @head: position of the packet in the ring that has not completed
 * @epoch: counts enables, resumes and writes of HEAD; if the ring's epoch has
 *	moved on when the world is loaded, the progress below is dropped
 * @in_indirect: 1 inside an indirect buffer, else 0
 * @indirect_offset: bytes of the indirect buffer already executed
 * @groups_done: finished work-groups (or chunks) of the packet at the position
 * @reserved: zero
 */
struct vgpu_image_ring {
	__le64 head;
	__le32 epoch;
	__le32 in_indirect;
	__le64 indirect_offset;
	__le64 groups_done;
	__le64 reserved[4];
};

/**
 * struct vgpu_image - a saved world, at VGPU_PF_FN_IMAGE in VRAM
 * @magic: VGPU_IMAGE_MAGIC
 * @version: VGPU_IMAGE_VERSION
 * @function: whose world it is
 * @checksum: vgpu_checksum() over the whole structure with this field zero
 * @sequence: how often this world has been saved
 * @gpu_time: as VGPU_PF_FN_GPU_TIME when saved
 * @ring_last: the ring that was served last
 * @reserved: zero
 * @ring: each ring; those that do not exist are zero
 *
 * Work that is complete is not in the image: its results are in memory.
 */
struct vgpu_image {
	__le32 magic;
	__le16 version;
	__le16 function;
	__le32 checksum;
	__le32 ring_last;
	__le64 sequence;
	__le64 gpu_time;
	__le64 reserved[4];
	struct vgpu_image_ring ring[VGPU_MAX_RINGS];
};

#endif
