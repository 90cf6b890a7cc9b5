// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestctl: talks with a guest of this VM, over the sockets of its QEMU
 *
 * guestctl run SOCKET COMMAND		the guest's agent runs it in its shell; its output
 *					and its exit status are those of guestctl
 * guestctl begin SOCKET COMMAND	only that it has begun, for one that never ends
 * guestctl qmp SOCKET COMMAND [EVENT [PROGRAM ARGUMENT...]]
 *					a QMP command ("" for none) and its answer, which
 *					is an error if it is one; then PROGRAM, then
 *					until an event with the text EVENT in it has
 *					come, which is printed
 *
 * Exit status 125: the guest has gone, or has said nothing for a long time.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SILENCE_S	200
#define GONE		125

static int guest;
static const char *path;

static void die(const char *what)
{
	fprintf(stderr, "guestctl: %s: %s\n", path, what);
	exit(GONE);
}

static void open_socket(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		die("too long a name");
	strcpy(to.sun_path, path);
	guest = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (guest < 0 || connect(guest, (struct sockaddr *)&to, sizeof(to)))
		die(strerror(errno));
}

static void say(const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = send(guest, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			die(strerror(errno));
		if (n > 0) {
			text += n;
			left -= n;
		}
	}
}

/* As one line, in which ^A stands for the end of each. */
static void say_line(const char *text)
{
	char *line = strdup(text), *at;

	if (!line)
		die(strerror(errno));
	for (at = line; (at = strchr(at, '\n'));)
		*at = '\001';
	say(line);
	say("\n");
	free(line);
}

/* The next line, without its end; valid until the next call. */
static const char *hear(void)
{
	static char buffer[1 << 16];
	static size_t begin, end;
	struct pollfd wait = { .fd = guest, .events = POLLIN };
	const char *patience = getenv("PATIENCE");
	int ms = SILENCE_S * 1000 * (patience ? atoi(patience) : 1);
	char *line, *last;
	ssize_t n;

	while (!(last = memchr(buffer + begin, '\n', end - begin))) {
		memmove(buffer, buffer + begin, end - begin);
		end -= begin;
		begin = 0;
		if (end == sizeof(buffer))
			die("a line is too long");
		if (!poll(&wait, 1, ms))
			die("silent");
		n = read(guest, buffer + end, sizeof(buffer) - end);
		if (!n)
			die("gone");
		if (n < 0 && errno != EINTR)
			die(strerror(errno));
		end += n > 0 ? n : 0;
	}
	line = buffer + begin;
	begin = last + 1 - buffer;
	*last = 0;
	if (last > line && last[-1] == '\r')
		last[-1] = 0;
	return line;
}

/*
 * What was said to somebody else before is skipped. The agent ends what the command
 * has printed with a newline of its own.
 */
static int run(const char *command, bool wait)
{
	char id[16], begin[32], end[32];
	bool first = true;
	const char *line;

	snprintf(id, sizeof(id), "%d", getpid());
	snprintf(begin, sizeof(begin), "%s begin", id);
	snprintf(end, sizeof(end), "%s end ", id);
	say(id);
	say(" ");
	say_line(command);
	while (strcmp(hear(), begin))
		;
	while (wait) {
		line = hear();
		if (!strncmp(line, end, strlen(end)))
			return atoi(line + strlen(end));
		/* An empty line may be the agent's. */
		if (!first)
			putchar('\n');
		fputs(line, stdout);
		fflush(stdout);
		first = false;
	}
	return 0;
}

static void start(char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		die(strerror(errno));
}

static int qmp(const char *command, const char *event, char **program)
{
	const char *line;

	say("{\"execute\": \"qmp_capabilities\"}\n");
	do {
		line = hear();
	} while (!strstr(line, "\"return\""));
	if (*command) {
		say(command);
		say("\n");
		do {
			line = hear();
		} while (strncmp(line, "{\"return\"", 9) && strncmp(line, "{\"error\"", 8));
		puts(line);
		if (line[2] == 'e')
			return 1;
	}
	if (!event)
		return 0;
	fflush(stdout);
	if (program)
		start(program);
	do {
		line = hear();
	} while (!strstr(line, "\"event\"") || !strstr(line, event));
	puts(line);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 3 ? argv[1] : "";

	if (argc > 2)
		path = argv[2];
	if (argc == 4 && !strcmp(what, "run")) {
		open_socket();
		return run(argv[3], true);
	}
	if (argc == 4 && !strcmp(what, "begin")) {
		open_socket();
		return run(argv[3], false);
	}
	if (argc >= 4 && !strcmp(what, "qmp")) {
		open_socket();
		return qmp(argv[3], argc > 4 ? argv[4] : NULL, argc > 5 ? argv + 5 : NULL);
	}
	fprintf(stderr, "usage: guestctl run|begin|qmp SOCKET COMMAND..., see its source\n");
	return 2;
}
