// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject [--undo FILE VALUE] [--gone PATH]... FILE VALUE
 *
 * Writes VALUE to FILE again and again, first with the first allocation in that write
 * made to fail, then with the second, … until there is none left to fail. What was
 * refused has left nothing: no PATH. The errno is that of whoever lacked memory, and
 * the kernel has several for that: others than ENOMEM are told.
 * What was accepted all the same is undone by writing to the file of --undo; then no
 * PATH is to be left either. For inject.sh, which says where allocations may fail.
 *
 * Prints what is wrong, and, in lines that begin with "#", the rest; at the end how
 * often an allocation failed, and how often the write did.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing here makes that many. */
#define MOST	20000
#define PATHS	16

struct walk {
	const char *file, *value;
	const char *undo_file, *undo_value;
	const char *gone[PATHS];
	unsigned int paths;
	unsigned int refused, wrong;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Only write() itself counts: open() was before. Return: 0 or an errno. */
static int write_failing(const char *file, const char *value, int nth_fd, unsigned int n,
			 bool *failed)
{
	char text[16] = "0";
	int fd, err = 0;

	*failed = false;
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (n) {
		int size = snprintf(text, sizeof(text), "%u", n);

		if (pwrite(nth_fd, text, size, 0) != size)
			die("fail-nth");
	}
	if (write(fd, value, strlen(value)) < 0)
		err = errno;
	if (n) {
		memset(text, 0, sizeof(text));
		if (pread(nth_fd, text, sizeof(text) - 1, 0) <= 0 ||
		    pwrite(nth_fd, "0", 1, 0) != 1)
			die("fail-nth");
		*failed = !strtoul(text, NULL, 10);
	}
	close(fd);
	return err;
}

static void complain(struct walk *walk, unsigned int n, const char *what, const char *why)
{
	walk->wrong++;
	printf("allocation %u: %s: %s\n", n, what, why);
}

static void check_gone(struct walk *walk, unsigned int n, const char *when)
{
	unsigned int i;

	for (i = 0; i < walk->paths; i++)
		if (!access(walk->gone[i], F_OK))
			complain(walk, n, when, walk->gone[i]);
}

static void undo(struct walk *walk, unsigned int n)
{
	bool failed;
	int err;

	if (walk->undo_file) {
		err = write_failing(walk->undo_file, walk->undo_value, -1, 0, &failed);
		if (err)
			complain(walk, n, "accepted, and not undone", strerror(err));
	}
	check_gone(walk, n, "left after it was undone");
}

/* Return: whether there was an allocation to fail. */
static bool step(struct walk *walk, unsigned int n, int nth_fd)
{
	bool failed;
	int err = write_failing(walk->file, walk->value, nth_fd, n, &failed);

	if (!failed && err)
		complain(walk, n, "refused, and nothing had failed", strerror(err));
	else if (err && err != ENOMEM)
		printf("# allocation %u: refused: %s\n", n, strerror(err));
	if (err) {
		walk->refused += failed;
		check_gone(walk, n, "left after it was refused");
	} else {
		undo(walk, n);
	}
	return failed;
}

int main(int argc, char **argv)
{
	struct walk walk = {};
	unsigned int n = 0;
	int i, nth_fd;

	for (i = 1; i < argc - 2; i++) {
		if (!strcmp(argv[i], "--undo") && i + 4 < argc) {
			walk.undo_file = argv[++i];
			walk.undo_value = argv[++i];
		} else if (!strcmp(argv[i], "--gone") && walk.paths < PATHS) {
			walk.gone[walk.paths++] = argv[++i];
		} else {
			break;
		}
	}
	if (i != argc - 2) {
		fprintf(stderr, "usage: inject [--undo FILE VALUE] [--gone PATH]... FILE VALUE\n");
		return 2;
	}
	walk.file = argv[i];
	walk.value = argv[i + 1];
	nth_fd = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die("/proc/self/fail-nth");

	do
		n++;
	while (n < MOST && step(&walk, n, nth_fd));
	if (n == MOST)
		complain(&walk, n, "does not come to an end", walk.file);
	printf("# in all: %u allocations, %u errors\n", n - 1, walk.refused);
	return walk.wrong != 0;
}
