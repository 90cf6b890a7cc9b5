// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PF's side of the mailbox; see mailbox.h.
 *
 * What comes out of it was written by a guest: it is copied once, and checked
 * before anything is done.
 */
#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/nospec.h>
#include <linux/string.h>

#include "device.h"

/*
 * An honest driver needs four to start and stop. More than this in a second is
 * refused, and who goes on regardless is not even read before it is over.
 */
#define MAILBOX_REQUESTS	256
#define MAILBOX_REFUSALS	16

static u32 vgpu_pf_mbox_reg(const struct vgpu_pf_function *fn, u32 reg)
{
	return VGPU_PF_FN(fn->number) + reg;
}

/* ------------------------------------------------------------------------ */
/* To the VF                                                                 */

static void vgpu_pf_mailbox_send(struct vgpu_pf_function *fn, const void *message,
				 unsigned int bytes)
{
	const __le32 *word = message;
	unsigned int i;

	for (i = 0; i < bytes / sizeof(*word); i++)
		vgpu_pf_write(fn->pf, vgpu_pf_mbox_reg(fn, VGPU_PF_FN_MBOX_TX + 4 * i),
			      le32_to_cpu(word[i]));
	vgpu_pf_write(fn->pf, vgpu_pf_mbox_reg(fn, VGPU_PF_FN_MBOX_CTRL),
		      VGPU_MBOX_CTRL_SEND);
}

static void vgpu_pf_mailbox_seal(void *message, unsigned int bytes)
{
	struct vgpu_mbox_header *header = message;

	header->size = cpu_to_le16(bytes);
	header->checksum = 0;
	header->checksum = cpu_to_le32(vgpu_checksum(message, bytes));
}

static void vgpu_pf_mailbox_send_notice(struct vgpu_pf_function *fn)
{
	struct vgpu_mbox_notice notice = {
		.header.type = cpu_to_le16(VGPU_MBOX_NOTICE),
		.header.sequence = cpu_to_le32(++fn->mailbox.sequence),
		.notice = cpu_to_le32(fn->mailbox.notice),
	};

	vgpu_pf_mailbox_seal(&notice, sizeof(notice));
	vgpu_pf_mailbox_send(fn, &notice, sizeof(notice));
	fn->mailbox.notice = 0;
}

/* Answers first: a VF that waits for one looks at nothing else. */
static void vgpu_pf_mailbox_flush(struct vgpu_pf_function *fn, u32 status)
{
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;

	if (status & VGPU_MBOX_STATUS_TX_BUSY)
		return;
	if (mbox->answer_bytes) {
		vgpu_pf_mailbox_send(fn, mbox->answer, mbox->answer_bytes);
		mbox->answer_bytes = 0;
		mbox->busy = false;
		vgpu_pf_write(fn->pf, vgpu_pf_mbox_reg(fn, VGPU_PF_FN_MBOX_CTRL),
			      VGPU_MBOX_CTRL_ACK);
	} else if (mbox->notice) {
		vgpu_pf_mailbox_send_notice(fn);
	}
}

static u32 vgpu_pf_mailbox_status(struct vgpu_pf_function *fn)
{
	return vgpu_pf_read(fn->pf, vgpu_pf_mbox_reg(fn, VGPU_PF_FN_MBOX_STATUS));
}

/* @message has room for VGPU_MBOX_BYTES and its payload is filled in. */
static void vgpu_pf_mailbox_reply(struct vgpu_pf_function *fn, void *message,
				  unsigned int bytes, int err)
{
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;
	struct vgpu_mbox_header *header = message;

	header->type = mbox->request.type;
	header->sequence = mbox->request.sequence;
	header->status = cpu_to_le32(-err);
	vgpu_pf_mailbox_seal(message, bytes);
	memcpy(mbox->answer, message, bytes);
	mbox->answer_bytes = bytes;
	if (err)
		mbox->rejected++;
	vgpu_pf_mailbox_flush(fn, vgpu_pf_mailbox_status(fn));
}

/**
 * vgpu_pf_mailbox_answer() - end the request that is being answered, if any
 * @fn: whose
 * @err: 0 or a negative errno
 *
 * Context: worker.
 */
void vgpu_pf_mailbox_answer(struct vgpu_pf_function *fn, int err)
{
	struct vgpu_mbox_header header = {};

	if (fn->mailbox.busy && !fn->mailbox.answer_bytes)
		vgpu_pf_mailbox_reply(fn, &header, sizeof(header), err);
}

/**
 * vgpu_pf_mailbox_notice() - tell a VF something unasked
 * @fn: whom; not the PF
 * @notice: what; replaces one that has not been delivered yet
 *
 * Context: worker.
 */
void vgpu_pf_mailbox_notice(struct vgpu_pf_function *fn, enum vgpu_notice notice)
{
	fn->mailbox.notice = notice;
	vgpu_pf_mailbox_flush(fn, vgpu_pf_mailbox_status(fn));
}

/**
 * vgpu_pf_mailbox_forget() - a new handshake is needed
 * @fn: whose
 *
 * What was not answered is not answered any more. Context: worker.
 */
void vgpu_pf_mailbox_forget(struct vgpu_pf_function *fn)
{
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;

	mbox->major = 0;
	mbox->minor = 0;
	mbox->busy = false;
	mbox->answer_bytes = 0;
	mbox->notice = 0;
}

/* ------------------------------------------------------------------------ */
/* Requests                                                                  */

static void vgpu_pf_mailbox_reject(struct vgpu_pf_function *fn, int err, const char *rule)
{
	vgpu_pf_function_notice(fn, "mailbox request %u of %u bytes refused: %s: %pe\n",
				le16_to_cpu(fn->mailbox.request.type),
				le16_to_cpu(fn->mailbox.request.size), rule, ERR_PTR(err));
	vgpu_pf_mailbox_answer(fn, err);
}

static void vgpu_pf_mailbox_handshake(struct vgpu_pf_function *fn, const void *message)
{
	const struct vgpu_mbox_handshake *request = message;
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;
	struct vgpu_mbox_handshake reply = {};
	u16 major = le16_to_cpu(request->major);
	u16 minor = le16_to_cpu(request->minor);

	if (request->reserved) {
		vgpu_pf_mailbox_reject(fn, -EBADMSG, "reserved fields must be zero");
		return;
	}
	if (major < VGPU_MBOX_MAJOR) {
		vgpu_pf_mailbox_reject(fn, -EPERM, "version 1.0 is the oldest");
		return;
	}
	if (major > VGPU_MBOX_MAJOR || minor > VGPU_MBOX_MINOR) {
		major = VGPU_MBOX_MAJOR;
		minor = VGPU_MBOX_MINOR;
	}
	mbox->major = major;
	mbox->minor = minor;
	reply.major = cpu_to_le16(major);
	reply.minor = cpu_to_le16(minor);
	vgpu_pf_mailbox_reply(fn, &reply, sizeof(reply), 0);
}

/**
 * vgpu_pf_mailbox_fill_config() - what a driver is told about its function
 * @fn: the function
 * @config: all but the header is filled in
 */
void vgpu_pf_mailbox_fill_config(struct vgpu_pf_function *fn,
				 struct vgpu_mbox_config *config)
{
	struct vgpu_sched_params params;

	vgpu_pf_settings_get(fn, &params);
	config->vram_bytes = cpu_to_le64(fn->range.bytes);
	config->quantum_ns = cpu_to_le64(vgpu_pf_settings_quantum(fn));
	config->preempt_timeout_ns = cpu_to_le64(params.preempt_timeout_ns);
}

static void vgpu_pf_mailbox_config(struct vgpu_pf_function *fn, const void *message)
{
	struct vgpu_mbox_config reply = {};

	vgpu_pf_mailbox_fill_config(fn, &reply);
	vgpu_pf_mailbox_reply(fn, &reply, sizeof(reply), 0);
}

static void vgpu_pf_mailbox_start(struct vgpu_pf_function *fn, const void *message)
{
	if (fn->state == VGPU_PF_CLOSED)
		vgpu_pf_function_open(fn);
	else if (fn->state == VGPU_PF_BROKEN)
		vgpu_pf_mailbox_reject(fn, -EIO, "the function is out of service");
	else
		vgpu_pf_mailbox_reject(fn, -EALREADY, "already started");
}

static void vgpu_pf_mailbox_stop(struct vgpu_pf_function *fn, const void *message)
{
	if (fn->state == VGPU_PF_OPEN)
		vgpu_pf_function_close(fn);
	else
		vgpu_pf_mailbox_reject(fn, -EALREADY, "not started");
}

/*
 * What a VF can ask for, by enum vgpu_mbox_type: the only size that the message
 * may have, and what answers it, now or later.
 */
static const struct {
	u16 size;
	void (*serve)(struct vgpu_pf_function *fn, const void *message);
} vgpu_pf_mailbox_requests[] = {
	[VGPU_MBOX_HANDSHAKE] = { sizeof(struct vgpu_mbox_handshake),
				  vgpu_pf_mailbox_handshake },
	[VGPU_MBOX_CONFIG] = { sizeof(struct vgpu_mbox_header), vgpu_pf_mailbox_config },
	[VGPU_MBOX_START] = { sizeof(struct vgpu_mbox_header), vgpu_pf_mailbox_start },
	[VGPU_MBOX_STOP] = { sizeof(struct vgpu_mbox_header), vgpu_pf_mailbox_stop },
};

static_assert(sizeof(struct vgpu_mbox_handshake) <= VGPU_MBOX_BYTES);
static_assert(sizeof(struct vgpu_mbox_config) <= VGPU_MBOX_BYTES);
static_assert(sizeof(struct vgpu_mbox_notice) <= VGPU_MBOX_BYTES);

static bool vgpu_pf_mailbox_intact(void *message)
{
	struct vgpu_mbox_header *header = message;
	u16 size = le16_to_cpu(header->size);
	u32 sum = le32_to_cpu(header->checksum);

	if (size < sizeof(*header) || size > VGPU_MBOX_BYTES)
		return false;
	header->checksum = 0;
	return vgpu_checksum(message, size) == sum && !header->status;
}

static void vgpu_pf_mailbox_count(struct vgpu_pf_mailbox *mbox)
{
	if (!mbox->requests || time_after(jiffies, mbox->second + HZ)) {
		mbox->second = jiffies;
		mbox->requests = 0;
	}
	mbox->requests++;
	mbox->held = mbox->requests > MAILBOX_REQUESTS + MAILBOX_REFUSALS;
}

static void vgpu_pf_mailbox_dispatch(struct vgpu_pf_function *fn, void *message)
{
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;
	bool intact = vgpu_pf_mailbox_intact(message);
	u16 type = le16_to_cpu(mbox->request.type);

	if (mbox->requests > MAILBOX_REQUESTS) {
		vgpu_pf_mailbox_reject(fn, -EBUSY, "at most 256 a second");
	} else if (!intact) {
		vgpu_pf_mailbox_reject(fn, -EBADMSG,
				       "size must be 16 to 64, the checksum right, status zero");
	} else if (type != VGPU_MBOX_HANDSHAKE && !mbox->major) {
		vgpu_pf_mailbox_reject(fn, -EACCES, "handshake comes first");
	} else if (!type || type >= ARRAY_SIZE(vgpu_pf_mailbox_requests)) {
		vgpu_pf_mailbox_reject(fn, -EOPNOTSUPP, "types are 1 to 4");
	} else {
		type = array_index_nospec(type, ARRAY_SIZE(vgpu_pf_mailbox_requests));
		if (le16_to_cpu(mbox->request.size) != vgpu_pf_mailbox_requests[type].size)
			vgpu_pf_mailbox_reject(fn, -EBADMSG, "wrong size for its type");
		else
			vgpu_pf_mailbox_requests[type].serve(fn, message);
	}
}

/**
 * vgpu_pf_mailbox_serve() - the VF has sent or acknowledged a message
 * @fn: the VF
 *
 * Also called by the watchdog while a request is held back. Context: worker.
 */
void vgpu_pf_mailbox_serve(struct vgpu_pf_function *fn)
{
	struct vgpu_pf_mailbox *mbox = &fn->mailbox;
	__le32 message[VGPU_MBOX_BYTES / sizeof(__le32)];
	unsigned int i;
	u32 status, rx;

	status = vgpu_pf_mailbox_status(fn);
	if (status == U32_MAX)
		return;
	vgpu_pf_mailbox_flush(fn, status);
	status = vgpu_pf_mailbox_status(fn);
	if (mbox->busy || !(status & VGPU_MBOX_STATUS_RX_VALID))
		return;

	rx = vgpu_pf_mbox_reg(fn, VGPU_PF_FN_MBOX_RX);
	vgpu_pf_mailbox_count(mbox);
	if (mbox->held)
		return;
	for (i = 0; i < ARRAY_SIZE(message); i++)
		message[i] = cpu_to_le32(vgpu_pf_read(fn->pf, rx + 4 * i));
	memcpy(&mbox->request, message, sizeof(mbox->request));
	mbox->busy = true;
	mbox->total++;
	vgpu_pf_mailbox_dispatch(fn, message);
}
