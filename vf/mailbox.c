// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mailbox: requests to the PF, one at a time, each answered within
 * ANSWER_TIMEOUT or given up; and notices from the PF, which recovery.c acts on.
 *
 * An answer that comes after its request was given up has a sequence number
 * that nobody expects, and is dropped.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/pci.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include "device.h"
#include "mailbox.h"

/*
 * The PF may have to reset a world that does not stop and to scrub memory
 * before it answers, on an emulated machine.
 */
#define ANSWER_TIMEOUT	msecs_to_jiffies(10000)

/* The PF limits requests per second: when it says so, come back later. */
#define BUSY_RETRIES	8
#define BUSY_DELAY_MS	200

/**
 * vgpu_vf_mailbox_init() - before interrupts are enabled
 * @vf: the function
 *
 * Return: 0 or an errno
 */
int vgpu_vf_mailbox_init(struct vgpu_vf *vf)
{
	struct vgpu_vf_mailbox *mailbox = &vf->mailbox;

	spin_lock_init(&mailbox->answer_lock);
	init_waitqueue_head(&mailbox->changed);
	return drmm_mutex_init(&vf->drm, &mailbox->lock);
}

static bool valid(union vgpu_vf_message *message)
{
	u32 size = le16_to_cpu(message->header.size);
	u32 sum = le32_to_cpu(message->header.checksum);

	if (size < sizeof(message->header) || size > sizeof(*message))
		return false;
	message->header.checksum = 0;
	return vgpu_checksum(message, size) == sum;
}

/* Only in the interrupt. */
static void take_answer(struct vgpu_vf *vf, const union vgpu_vf_message *message)
{
	struct vgpu_vf_mailbox *mailbox = &vf->mailbox;

	spin_lock(&mailbox->answer_lock);
	if (mailbox->expected &&
	    le32_to_cpu(message->header.sequence) == mailbox->expected) {
		mailbox->answer = *message;
		mailbox->expected = 0;
	}
	spin_unlock(&mailbox->answer_lock);
}

static void take_message(struct vgpu_vf *vf)
{
	union vgpu_vf_message message;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(message.words); i++)
		message.words[i] = cpu_to_le32(readl(vf->regs + VGPU_REG_MBOX_RX + 4 * i));
	writel(VGPU_MBOX_CTRL_ACK, vf->regs + VGPU_REG_MBOX_CTRL);

	if (!valid(&message))
		drm_err_ratelimited(&vf->drm, "damaged message from the PF: type %u, size %u\n",
				    le16_to_cpu(message.header.type),
				    le16_to_cpu(message.header.size));
	else if (le16_to_cpu(message.header.type) != VGPU_MBOX_NOTICE)
		take_answer(vf, &message);
	else if (le16_to_cpu(message.header.size) >= sizeof(message.notice))
		vgpu_vf_recovery_notice(vf, le32_to_cpu(message.notice.notice));
}

/**
 * vgpu_vf_mailbox_interrupt() - something may have changed; in the interrupt
 * @vf: the function
 */
void vgpu_vf_mailbox_interrupt(struct vgpu_vf *vf)
{
	u32 status = readl(vf->regs + VGPU_REG_MBOX_STATUS);

	if (PCI_POSSIBLE_ERROR(status))
		return;
	if (status & VGPU_MBOX_STATUS_RX_VALID)
		take_message(vf);
	wake_up(&vf->mailbox.changed);
}

static void expect(struct vgpu_vf_mailbox *mailbox, u32 sequence)
{
	unsigned long flags;

	spin_lock_irqsave(&mailbox->answer_lock, flags);
	mailbox->expected = sequence;
	spin_unlock_irqrestore(&mailbox->answer_lock, flags);
}

/* If so, the interrupt leaves it alone until the next request. */
static bool has_answer(struct vgpu_vf_mailbox *mailbox)
{
	unsigned long flags;
	bool has;

	spin_lock_irqsave(&mailbox->answer_lock, flags);
	has = !mailbox->expected;
	spin_unlock_irqrestore(&mailbox->answer_lock, flags);
	return has;
}

static bool can_send(struct vgpu_vf *vf)
{
	return !(readl(vf->regs + VGPU_REG_MBOX_STATUS) & VGPU_MBOX_STATUS_TX_BUSY);
}

static int send(struct vgpu_vf *vf, union vgpu_vf_message *message)
{
	struct vgpu_vf_mailbox *mailbox = &vf->mailbox;
	unsigned int i;

	if (!wait_event_timeout(mailbox->changed, can_send(vf), ANSWER_TIMEOUT))
		return -ETIMEDOUT;

	if (!++mailbox->sequence)
		mailbox->sequence = 1;
	expect(mailbox, mailbox->sequence);
	message->header.sequence = cpu_to_le32(mailbox->sequence);
	message->header.checksum = 0;
	message->header.checksum =
		cpu_to_le32(vgpu_checksum(message, le16_to_cpu(message->header.size)));

	for (i = 0; i < ARRAY_SIZE(message->words); i++)
		writel(le32_to_cpu(message->words[i]), vf->regs + VGPU_REG_MBOX_TX + 4 * i);
	writel(VGPU_MBOX_CTRL_SEND, vf->regs + VGPU_REG_MBOX_CTRL);
	return 0;
}

static int receive(struct vgpu_vf *vf, union vgpu_vf_message *message)
{
	struct vgpu_vf_mailbox *mailbox = &vf->mailbox;
	u16 type = le16_to_cpu(message->header.type);

	if (!wait_event_timeout(mailbox->changed, has_answer(mailbox), ANSWER_TIMEOUT)) {
		expect(mailbox, 0);
		return -ETIMEDOUT;
	}
	*message = mailbox->answer;
	if (le16_to_cpu(message->header.type) != type)
		return -EPROTO;
	return 0;
}

/* Only errnos are expected; what else a PF may say is one of them, too. */
static int status_of(const union vgpu_vf_message *message)
{
	u32 status = le32_to_cpu(message->header.status);

	return status <= MAX_ERRNO ? -(int)status : -EPROTO;
}

/*
 * Sends the first @request_size bytes of @message and replaces it by the answer,
 * of at least @answer_size bytes if it is a successful one.
 */
static int request(struct vgpu_vf *vf, union vgpu_vf_message *message,
		   enum vgpu_mbox_type type, size_t request_size, size_t answer_size)
{
	union vgpu_vf_message answer;
	unsigned int tries = 0;
	int ret;

	guard(mutex)(&vf->mailbox.lock);
	for (;;) {
		if (vgpu_vf_is_gone(vf))
			return -ENODEV;
		answer = *message;
		answer.header.type = cpu_to_le16(type);
		answer.header.size = cpu_to_le16(request_size);
		ret = send(vf, &answer) ?: receive(vf, &answer) ?: status_of(&answer);
		if (ret != -EBUSY || tries++ == BUSY_RETRIES)
			break;
		msleep(BUSY_DELAY_MS);
	}
	if (ret)
		return ret;
	if (le16_to_cpu(answer.header.size) < answer_size)
		return -EPROTO;
	*message = answer;
	return 0;
}

/*
 * -EPROTONOSUPPORT if the PF speaks another major version, -ETIMEDOUT if it does not
 * answer, or its errno.
 */
static int handshake(struct vgpu_vf *vf)
{
	union vgpu_vf_message message = {
		.handshake.major = cpu_to_le16(VGPU_MBOX_MAJOR),
		.handshake.minor = cpu_to_le16(VGPU_MBOX_MINOR),
	};
	int ret;

	ret = request(vf, &message, VGPU_MBOX_HANDSHAKE, sizeof(message.handshake),
		      sizeof(message.handshake));
	if (ret)
		return ret;

	vf->mailbox.major = le16_to_cpu(message.handshake.major);
	vf->mailbox.minor = le16_to_cpu(message.handshake.minor);
	if (vf->mailbox.major == VGPU_MBOX_MAJOR)
		return 0;
	drm_err(&vf->drm, "the PF speaks mailbox version %u.%u, this driver %u.x\n",
		vf->mailbox.major, vf->mailbox.minor, VGPU_MBOX_MAJOR);
	return -EPROTONOSUPPORT;
}

/* What the PF has given to this function. */
static int config(struct vgpu_vf *vf, struct vgpu_mbox_config *config)
{
	union vgpu_vf_message message = {};
	int ret;

	ret = request(vf, &message, VGPU_MBOX_CONFIG, sizeof(message.header),
		      sizeof(message.config));
	if (!ret)
		*config = message.config;
	return ret;
}

/* A fresh world is made, and opened. */
static int start(struct vgpu_vf *vf)
{
	union vgpu_vf_message message = {};

	return request(vf, &message, VGPU_MBOX_START, sizeof(message.header),
		       sizeof(message.header));
}

/* The world is taken off the engine. */
static int stop(struct vgpu_vf *vf)
{
	union vgpu_vf_message message = {};

	return request(vf, &message, VGPU_MBOX_STOP, sizeof(message.header),
		       sizeof(message.header));
}

const struct vgpu_vf_pf_ops vgpu_vf_mailbox_ops = {
	.handshake = handshake,
	.config = config,
	.start = start,
	.stop = stop,
};
