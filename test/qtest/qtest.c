// SPDX-License-Identifier: GPL-2.0-only
#include "qtest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Commands that are under way at once, in qtest_*_range(). */
#define PIPELINE	128
#define MAX_ARGUMENTS	64
/* A QEMU that does not answer for so long is in an endless loop. */
#define STUCK_SECONDS	120

/**
 * struct line_socket - one end of a socket that carries lines
 * @fd: the socket
 * @data: what has been received, @fill bytes in a buffer of @room
 * @taken: how many of those bytes are lines already returned
 */
struct line_socket {
	int fd;
	char *data;
	size_t room;
	size_t fill;
	size_t taken;
};

struct qtest {
	pid_t pid;
	struct line_socket control;
	struct line_socket qmp;
};

static void send_all(struct line_socket *s, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = send(s->fd, data, bytes, MSG_NOSIGNAL);

		if (n <= 0)
			fail_msg("QEMU is gone (write)");
		data += n;
		bytes -= n;
	}
}

static void receive_more(struct line_socket *s)
{
	ssize_t n;

	if (s->taken) {
		memmove(s->data, s->data + s->taken, s->fill - s->taken);
		s->fill -= s->taken;
		s->taken = 0;
	}
	if (s->room - s->fill < 4096) {
		s->room = 2 * s->room + 65536;
		s->data = realloc(s->data, s->room);
		assert_non_null(s->data);
	}
	n = recv(s->fd, s->data + s->fill, s->room - s->fill, 0);
	if (n <= 0)
		fail_msg("QEMU is gone or stuck");
	s->fill += n;
}

/* The next line, without its end; valid until the next call. */
static char *receive_line(struct line_socket *s)
{
	size_t seen = 0;
	char *end, *line;

	for (;;) {
		size_t have = s->fill - s->taken;

		end = have > seen ?
		      memchr(s->data + s->taken + seen, '\n', have - seen) : NULL;
		if (end)
			break;
		seen = have;
		receive_more(s);
	}
	*end = '\0';
	line = s->data + s->taken;
	s->taken = end + 1 - s->data;
	return line;
}

/* The next answer of qtest, without "OK". */
static char *receive_answer(struct qtest *qt)
{
	char *line = receive_line(&qt->control);

	if (strncmp(line, "OK", 2))
		fail_msg("qtest answers: %s", line);
	return line[2] ? line + 3 : line + 2;
}

__attribute__((format(printf, 2, 3)))
static char *command(struct qtest *qt, const char *format, ...)
{
	char text[128];
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	assert_in_range(n, 1, sizeof(text) - 1);
	send_all(&qt->control, text, n);
	return receive_answer(qt);
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

#define QTEST_ACCESS(bits, letter)						\
uint##bits##_t qtest_read##bits(struct qtest *qt, uint64_t addr)		\
{										\
	return number(command(qt, "read" letter " 0x%" PRIx64 "\n", addr));	\
}										\
										\
void qtest_write##bits(struct qtest *qt, uint64_t addr, uint##bits##_t value)	\
{										\
	command(qt, "write" letter " 0x%" PRIx64 " 0x%" PRIx64 "\n", addr,	\
		(uint64_t)value);						\
}

QTEST_ACCESS(8, "b")
QTEST_ACCESS(16, "w")
QTEST_ACCESS(32, "l")
QTEST_ACCESS(64, "q")

static unsigned int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

void qtest_read(struct qtest *qt, uint64_t addr, void *data, size_t bytes)
{
	unsigned char *to = data;
	const char *from;
	size_t i;

	if (!bytes)
		return;
	from = command(qt, "read 0x%" PRIx64 " 0x%zx\n", addr, bytes) + 2;
	for (i = 0; i < bytes; i++)
		to[i] = hex_digit(from[2 * i]) << 4 | hex_digit(from[2 * i + 1]);
}

void qtest_write(struct qtest *qt, uint64_t addr, const void *data, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = data;
	char *text;
	size_t i, n;

	if (!bytes)
		return;
	text = malloc(2 * bytes + 64);
	assert_non_null(text);
	n = sprintf(text, "write 0x%" PRIx64 " 0x%zx 0x", addr, bytes);
	for (i = 0; i < bytes; i++) {
		text[n++] = digits[from[i] >> 4];
		text[n++] = digits[from[i] & 15];
	}
	text[n++] = '\n';
	send_all(&qt->control, text, n);
	free(text);
	receive_answer(qt);
}

void qtest_fill(struct qtest *qt, uint64_t addr, uint8_t value, size_t bytes)
{
	if (bytes)
		command(qt, "memset 0x%" PRIx64 " 0x%zx 0x%x\n", addr, bytes, value);
}

void qtest_read32_range(struct qtest *qt, uint64_t addr, uint32_t *value,
			size_t count)
{
	char text[PIPELINE * 32];

	while (count) {
		size_t now = count < PIPELINE ? count : PIPELINE;
		size_t i, n = 0;

		for (i = 0; i < now; i++, addr += 4)
			n += sprintf(text + n, "readl 0x%" PRIx64 "\n", addr);
		send_all(&qt->control, text, n);
		for (i = 0; i < now; i++)
			*value++ = number(receive_answer(qt));
		count -= now;
	}
}

void qtest_write32_range(struct qtest *qt, uint64_t addr, uint32_t value,
			 size_t count)
{
	char text[PIPELINE * 48];

	while (count) {
		size_t now = count < PIPELINE ? count : PIPELINE;
		size_t i, n = 0;

		for (i = 0; i < now; i++, addr += 4)
			n += sprintf(text + n, "writel 0x%" PRIx64 " 0x%" PRIx32 "\n",
				     addr, value);
		send_all(&qt->control, text, n);
		for (i = 0; i < now; i++)
			receive_answer(qt);
		count -= now;
	}
}

void qtest_out32(struct qtest *qt, uint16_t port, uint32_t value)
{
	command(qt, "outl 0x%x 0x%" PRIx32 "\n", port, value);
}

void qtest_clock_step(struct qtest *qt, uint64_t ns)
{
	if (ns)
		command(qt, "clock_step %" PRIu64 "\n", ns);
}

bool qtest_clock_next(struct qtest *qt)
{
	static const char text[] = "clock_step\n";

	/* It fails if there is no timer, or one is due already. */
	send_all(&qt->control, text, sizeof(text) - 1);
	return !strncmp(receive_line(&qt->control), "OK", 2);
}

const char *qtest_qmp(struct qtest *qt, const char *text)
{
	const char *line;

	send_all(&qt->qmp, text, strlen(text));
	do
		line = receive_line(&qt->qmp);
	while (strncmp(line, "{\"return\"", 9) && strncmp(line, "{\"error\"", 8));
	if (line[2] == 'e')
		fail_msg("QMP answers %s to %s", line, text);
	return line;
}

/* In the child. */
static void execute(int control, int qmp, const char *const arguments[])
{
	const char *qemu = getenv("VGPU_QEMU");
	const char *argv[MAX_ARGUMENTS] = {
		qemu, "-accel", "qtest", "-nodefaults", "-no-user-config",
		"-display", "none", "-qtest-log", "none",
		"-qtest", "chardev:control", "-mon", "chardev=qmp,mode=control",
	};
	char chardev[2][64];
	size_t n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(chardev[0], sizeof(chardev[0]), "socket,id=control,fd=%d", control);
	snprintf(chardev[1], sizeof(chardev[1]), "socket,id=qmp,fd=%d", qmp);
	/* A finding ends QEMU. What it still holds at its end is not one. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
	setenv("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1", 0);

	while (argv[n])
		n++;
	argv[n++] = "-chardev";
	argv[n++] = chardev[0];
	argv[n++] = "-chardev";
	argv[n++] = chardev[1];
	while (*arguments && n < MAX_ARGUMENTS - 1)
		argv[n++] = *arguments++;
	argv[n] = NULL;
	execv(qemu, (char *const *)argv);
	perror(qemu);
	_exit(127);
}

struct qtest *qtest_start(const char *const arguments[])
{
	struct qtest *qt = calloc(1, sizeof(*qt));
	const struct timeval stuck = { .tv_sec = STUCK_SECONDS };
	int control[2], qmp[2];

	assert_non_null(qt);
	if (!getenv("VGPU_QEMU"))
		fail_msg("VGPU_QEMU does not name the QEMU to test");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, control), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, qmp), 0);
	fflush(NULL);
	qt->pid = fork();
	assert_return_code(qt->pid, 0);
	if (!qt->pid) {
		close(control[0]);
		close(qmp[0]);
		execute(control[1], qmp[1], arguments);
	}
	close(control[1]);
	close(qmp[1]);
	qt->control.fd = control[0];
	qt->qmp.fd = qmp[0];
	setsockopt(qt->control.fd, SOL_SOCKET, SO_RCVTIMEO, &stuck, sizeof(stuck));
	setsockopt(qt->qmp.fd, SOL_SOCKET, SO_RCVTIMEO, &stuck, sizeof(stuck));
	receive_line(&qt->qmp);
	qtest_qmp(qt, "{\"execute\": \"qmp_capabilities\"}\n");
	return qt;
}

bool qtest_stop(struct qtest *qt)
{
	int status = -1;
	char rest[256];
	ssize_t n;

	kill(qt->pid, SIGTERM);
	do
		n = recv(qt->control.fd, rest, sizeof(rest), 0);
	while (n > 0);
	if (n < 0)
		kill(qt->pid, SIGKILL);
	waitpid(qt->pid, &status, 0);
	close(qt->control.fd);
	close(qt->qmp.fd);
	free(qt->control.data);
	free(qt->qmp.data);
	free(qt);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}
