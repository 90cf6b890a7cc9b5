// SPDX-License-Identifier: GPL-2.0-only
/*
 * vf_isolation NODE
 *
 * Two files of one render node, in two processes. The attacker knows the
 * addresses of the victim's buffers and tries every packet on them, and on
 * whatever else is not its own: each time its job must fail, and the victim's
 * data and jobs must be as if nothing had happened.
 */
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktap.h"
#include "vgpu.h"

#define RW (DRM_VGPU_BIND_READ | DRM_VGPU_BIND_WRITE)
#define BUFFERS 64
#define SECRET 0x5ec2e75ec2e75ec2ull

/* What the victim tells: addresses that mean nothing to the attacker. */
struct addresses {
	uint64_t data;
	uint64_t commands;
	uint64_t bytes;
	uint32_t handle;
};

static struct vgpu gpu;
static struct vgpu_bo own;
static struct vgpu_commands todo;

/* ----- the victim: answers each byte with whether it is all right ----- */

static bool intact(struct vgpu *mine, struct vgpu_bo *bo, struct vgpu_commands *fill)
{
	uint64_t *word = bo->map, i;

	for (i = 1; i < bo->size / 8; i++)
		if (word[i] != SECRET)
			return false;
	word[0] = 0;
	return !vgpu_run(mine, 0, fill) && word[0] == 0x4242424242424242ull;
}

static void victim(const char *node, int to, int from)
{
	struct vgpu_commands fill;
	struct addresses told;
	struct vgpu_bo bo[BUFFERS];
	struct vgpu mine;
	uint64_t i;
	char byte;

	ktap_must(vgpu_open(&mine, node), node);
	/* The last ones, where the attacker has nothing at the same address. */
	for (i = 0; i < BUFFERS; i++)
		ktap_must(vgpu_bo_create(&mine, 1 << 18, RW, &bo[i]), "cannot allocate");
	ktap_must(vgpu_commands_create(&mine, 4096, &fill), "cannot allocate");
	for (i = 0; i < bo[BUFFERS - 1].size / 8; i++)
		((uint64_t *)bo[BUFFERS - 1].map)[i] = SECRET;
	vgpu_emit_fill(&fill, bo[BUFFERS - 1].addr, 8, 0x42424242);
	told = (struct addresses){
		.data = bo[BUFFERS - 1].addr, .commands = fill.bo.addr,
		.bytes = bo[BUFFERS - 1].size, .handle = bo[BUFFERS - 1].handle,
	};
	if (write(to, &told, sizeof(told)) != sizeof(told))
		exit(1);
	while (read(from, &byte, 1) == 1) {
		byte = intact(&mine, &bo[BUFFERS - 1], &fill);
		if (write(to, &byte, 1) != 1)
			exit(1);
	}
	exit(0);
}

static int victim_in, victim_out;

static bool ask_victim(void)
{
	char byte = 0;

	return write(victim_in, &byte, 1) == 1 && read(victim_out, &byte, 1) == 1 && byte;
}

static void start_victim(const char *node, struct addresses *told)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		ktap_must(-errno, "pipe");
	fflush(stdout);
	if (!fork()) {
		close(to[1]);
		close(from[0]);
		victim(node, from[1], to[0]);
	}
	close(to[0]);
	close(from[1]);
	victim_in = to[1];
	victim_out = from[0];
	if (read(victim_out, told, sizeof(*told)) != sizeof(*told))
		ktap_must(-EIO, "the victim is silent");
}

/* ----- the attacker ----- */

/* The job fails, and what it has read did not come. */
static void refused(const char *what)
{
	uint64_t *word = own.map, i, leaked = 0;
	int ret = vgpu_run(&gpu, 0, &todo);

	for (i = 0; i < own.size / 8; i++)
		leaked += word[i] != 0;
	vgpu_commands_reset(&todo);
	ktap_equal(ret, -EIO, what);
	if (leaked)
		ktap_ok(false, "%s: nothing was read", what);
}

static void attack_by_packets(uint64_t there, const char *whose)
{
	char what[96];

#define ATTACK(packet, emit) do {						\
		emit;								\
		snprintf(what, sizeof(what), packet " %s", whose);		\
		refused(what);							\
	} while (0)
	ATTACK("COPY from", vgpu_emit_copy(&todo, own.addr, there, 4096));
	ATTACK("COPY to", vgpu_emit_copy(&todo, there, own.addr, 4096));
	ATTACK("FILL of", vgpu_emit_fill(&todo, there, 4096, 0xbad));
	ATTACK("FENCE to", vgpu_emit_fence(&todo, there, 0xbad));
	ATTACK("WAIT for", vgpu_emit_wait(&todo, there, 0));
	ATTACK("TIMESTAMP to", vgpu_emit_timestamp(&todo, there));
	ATTACK("SPIN that counts in", vgpu_emit_spin(&todo, false, 4, 1000, there));
	ATTACK("SAXPY from", vgpu_emit_saxpy(&todo, 1024, 1.0f, there, own.addr));
	ATTACK("SAXPY to", vgpu_emit_saxpy(&todo, 1024, 1.0f, own.addr, there));
	ATTACK("GEMM from", vgpu_emit_gemm(&todo, 16, 16, 16, there, there, own.addr));
	ATTACK("GEMM to", vgpu_emit_gemm(&todo, 16, 16, 16, own.addr, own.addr, there));
	ATTACK("REDUCE from", vgpu_emit_reduce(&todo, 4096, there, own.addr));
	ATTACK("REDUCE to", vgpu_emit_reduce(&todo, 4096, own.addr, there));
	ATTACK("MANDELBROT to", vgpu_emit_mandelbrot(&todo,
		(&(struct vgpu_picture){ .width = 16, .height = 16, .rows = 16,
					 .step = 1 << 20, .limit = 10 }), there));
#undef ATTACK
}

/* Runs what is at @addr; returns how that ended. */
static int execute(uint64_t addr, uint64_t bytes)
{
	struct vgpu_commands there = { .bo.addr = addr, .used = bytes };

	return vgpu_run(&gpu, 0, &there);
}

static void attack_by_context(uint64_t there)
{
	struct vgpu_pkt_fill fill = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_FILL, 0, fill),
		.dst = there, .bytes = 4096, .value = 0xbad,
	};
	struct vgpu_pkt_indirect indirect = {
		.pkt.header = VGPU_PKT_HEADER(VGPU_OP_INDIRECT, 0, indirect),
		.addr = todo.bo.addr, .bytes = 8,
	};
	uint32_t context;
	uint64_t wrong = 0;

	for (context = 1; context < 16; context++) {
		fill.pkt.context = context;
		vgpu_emit(&todo, &fill, sizeof(fill));
		wrong += vgpu_run(&gpu, 0, &todo) != -EIO;
		vgpu_commands_reset(&todo);
	}
	ktap_equal(wrong, 0, "FILL in contexts 1 to 15");
	vgpu_emit(&todo, &indirect, sizeof(indirect));
	refused("INDIRECT in an indirect buffer");
}

/* What there is in function space must not be reachable from a paged context. */
static void attack_addresses(void)
{
	static const uint64_t addresses[] = {
		0, 0x1000, 0x4000, 1ull << 21, 1ull << 31, 1ull << 47, (1ull << 48) - 4096,
		1ull << 48, 1ull << 51, 1ull << 63, ~0xfffull, VGPU_ADDR_SYSTEM,
		VGPU_ADDR_SYSTEM | 0x1000, VGPU_ADDR_SYSTEM | 1 << 20,
		VGPU_ADDR_SYSTEM | 0xfee00000,
	};
	uint64_t seed = 1, wrong = 0, i;
	char what[64];

	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		vgpu_emit_copy(&todo, own.addr, addresses[i], 4096);
		snprintf(what, sizeof(what), "COPY from %#llx",
			 (unsigned long long)addresses[i]);
		refused(what);
		vgpu_emit_fill(&todo, addresses[i], 4096, 0xbad);
		snprintf(what, sizeof(what), "FILL of %#llx",
			 (unsigned long long)addresses[i]);
		refused(what);
	}
	for (i = 0; i < 200; i++) {
		vgpu_emit_fill(&todo, vgpu_random(&seed) & 0xfffffffff000, 4, 0xbad);
		wrong += vgpu_run(&gpu, 0, &todo) != -EIO;
		vgpu_commands_reset(&todo);
	}
	ktap_equal(wrong, 0, "FILL at 200 random addresses");
}

static int try_right(uint32_t flags, int right)
{
	struct vgpu_bo bo;
	int ret;

	ktap_must(vgpu_bo_create(&gpu, 4096, flags, &bo), "cannot allocate");
	if (right == DRM_VGPU_BIND_READ)
		vgpu_emit_copy(&todo, own.addr, bo.addr, 4096);
	else
		vgpu_emit_fill(&todo, bo.addr, 4096, 0);
	*(uint64_t *)bo.map = VGPU_OP_NOP | 1 << 16;
	ret = right == DRM_VGPU_BIND_EXECUTE ? execute(bo.addr, 8) : vgpu_run(&gpu, 0, &todo);
	memset(own.map, 0, own.size);
	vgpu_commands_reset(&todo);
	vgpu_bo_destroy(&gpu, &bo);
	return ret;
}

static void test_rights(void)
{
	static const char *const name[] = { [1] = "read", [2] = "written", [4] = "executed" };
	uint32_t flags;
	char what[64];
	int right;

	for (flags = 1; flags < 8; flags++)
		for (right = 1; right < 8; right *= 2) {
			snprintf(what, sizeof(what), "a buffer with flags %u %s be %s",
				 flags, flags & right ? "can" : "cannot", name[right]);
			ktap_equal(try_right(flags, right), flags & right ? 0 : -EIO, what);
		}
}

static void test_own_edges(void)
{
	struct vgpu_bo bo;
	uint64_t addr, size;

	ktap_must(vgpu_bo_create(&gpu, 3 << 20, RW, &bo), "cannot allocate");
	addr = bo.addr;
	size = bo.size;
	vgpu_emit_fill(&todo, addr, size, 0);
	ktap_equal(vgpu_run(&gpu, 0, &todo), 0, "FILL of all of an own buffer");
	vgpu_commands_reset(&todo);
	vgpu_emit_fill(&todo, addr + size - 4, 8, 0);
	refused("FILL of 4 bytes beyond it");
	vgpu_bo_destroy(&gpu, &bo);
	vgpu_emit_fill(&todo, addr, size, 0);
	refused("FILL of it when it is closed");
}

int main(int argc, char **argv)
{
	struct drm_vgpu_gem_info info;
	struct addresses victims;
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: vf_isolation NODE\n");
		return 2;
	}
	ktap_begin("vf_isolation");
	start_victim(argv[1], &victims);
	ktap_must(vgpu_open(&gpu, argv[1]), argv[1]);
	ktap_must(vgpu_bo_create(&gpu, 65536, RW, &own), "cannot allocate");
	ktap_must(vgpu_commands_create(&gpu, 4096, &todo), "cannot allocate");
	ktap_ok(ask_victim(), "the victim is all right before");

	info = (struct drm_vgpu_gem_info){ .handle = victims.handle };
	ktap_ok(ioctl(gpu.fd, DRM_IOCTL_VGPU_GEM_INFO, &info) && errno == ENOENT,
		"the victim's handle is nothing here");
	attack_by_packets(victims.data, "the victim's data");
	ktap_ok(ask_victim(), "the victim is all right after that");
	ktap_equal(execute(victims.commands, 32), -EIO, "execution of the victim's commands");
	attack_by_context(victims.data);
	attack_addresses();
	ktap_ok(ask_victim(), "the victim is all right after that, too");
	test_rights();
	test_own_edges();
	vgpu_emit_fill(&todo, own.addr, 4096, 1);
	ktap_equal(vgpu_run(&gpu, 0, &todo), 0, "the attacker can still do what is allowed");
	ktap_ok(ask_victim(), "the victim is all right in the end");
	close(victim_in);
	ktap_ok(wait(&status) > 0 && !status, "the victim ends well");
	return ktap_end();
}
