// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include "explore.h"

/* How a state was reached first. */
struct node {
	u32 parent;
	struct step step;
};

/*
 * States to be explored, one behind the other: number of the node, and what of
 * its words differs from the first state: for each 64 words a bit map and those
 * words.
 */
struct pile {
	u64 *words;
	u64 used;
	u64 size;
};

static u64 words;
static u64 *first, *before, *after;
static struct node *node;
static u64 *table;
static u64 table_mask;
static u64 states;
static struct pile pile[2];

static void *allocate(u64 size)
{
	void *memory = calloc(size, 1);

	if (!memory) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return memory;
}

static u64 mix(u64 hash, u64 word)
{
	unsigned __int128 product;

	product = (unsigned __int128)(hash ^ word) * 0x9e3779b97f4a7c15ull;
	return (u64)product ^ (u64)(product >> 64) ^ word << 1;
}

/* Most of a state never changes. */
static bool is_same_block(u64 at)
{
	return !memcmp(&after[at], &first[at], 64 * sizeof(u64));
}

/* Appends the state @after, and returns its hash. */
static u64 push(struct pile *p, u32 number)
{
	u64 hash = 0x243f6a8885a308d3ull;
	u64 at = 0, i;

	if (p->used + 1 + words + words / 64 + 1 > p->size) {
		p->size = 2 * p->size + 4096 + 2 * words;
		p->words = realloc(p->words, p->size * sizeof(u64));
		if (!p->words) {
			fprintf(stderr, "out of memory\n");
			exit(1);
		}
	}
	p->words[p->used++] = number;
	for (i = 0; i < words; i++) {
		u64 word = after[i] ^ first[i];

		if (i % 64 == 0) {
			at = p->used++;
			p->words[at] = 0;
			if (i + 64 <= words && is_same_block(i)) {
				i += 63;
				continue;
			}
		}
		if (!word)
			continue;
		p->words[at] |= 1ull << i % 64;
		p->words[p->used++] = word;
		hash = mix(mix(hash, i), word);
	}
	return hash | 1;
}

static u64 pop(const struct pile *p, u64 at, u32 *number)
{
	u64 block, bits;

	*number = p->words[at++];
	memcpy(before, first, words * sizeof(u64));
	for (block = 0; block < words; block += 64) {
		bits = p->words[at++];
		for (; bits; bits &= bits - 1)
			before[block + __builtin_ctzll(bits)] ^= p->words[at++];
	}
	return at;
}

/* False if a state with this hash is known. */
static bool insert(u64 hash)
{
	u64 i = hash >> 1 & table_mask;

	while (table[i]) {
		if (table[i] == hash)
			return false;
		i = (i + 1) & table_mask;
	}
	table[i] = hash;
	return true;
}

static void tell_trace(struct result *result, u32 number, struct step last)
{
	unsigned int n = 1, i;
	u32 at;

	for (at = number; at; at = node[at].parent)
		n++;
	result->steps_to = min(n, TRACE_MAX);
	if (n > TRACE_MAX)
		return;
	result->trace[n - 1] = last;
	for (at = number, i = n - 1; at; at = node[at].parent)
		result->trace[--i] = node[at].step;
}

/* All that can happen in one state. False if that breaks something. */
static bool expand(u32 number, struct pile *to, struct result *result)
{
	struct step step[STEPS_MAX];
	unsigned int n, i;

	state_set(before);
	n = system_steps(step);
	for (i = 0; i < n; i++) {
		u64 used = to->used;

		if (i)
			state_set(before);
		system_do(step[i]);
		result->steps++;
		if (verdict.broken) {
			tell_trace(result, number, step[i]);
			return false;
		}
		state_normalise();
		state_get(after);
		if (!insert(push(to, states))) {
			to->used = used;
			continue;
		}
		node[states++] = (struct node){ number, step[i] };
	}
	if (n)
		return true;
	verdict.broken = "nothing can happen any more";
	tell_trace(result, number, (struct step){ ACTION_TICK, 0 });
	return false;
}

static void search(u64 states_max, struct result *result)
{
	unsigned int from = 0;
	u64 at = 0;
	u32 number;

	while (states + STEPS_MAX < states_max) {
		if (at == pile[from].used) {
			pile[from].used = 0;
			from = !from;
			at = 0;
			if (!pile[from].used) {
				result->complete = true;
				return;
			}
			result->depth++;
			continue;
		}
		at = pop(&pile[from], at, &number);
		if (!expand(number, &pile[!from], result))
			return;
	}
}

/**
 * explore() - look for a property that does not hold
 * @with: what is explored
 * @states_max: how many states at most
 * @result: what was found
 */
void explore(const struct setup *with, u64 states_max, struct result *result)
{
	*result = (struct result){ 0 };
	system_init(with);
	words = state_words();
	for (table_mask = 1; table_mask < 2 * states_max; table_mask *= 2)
		;
	table = allocate(table_mask * sizeof(*table));
	table_mask--;
	node = allocate(states_max * sizeof(*node));
	first = allocate(words * sizeof(u64));
	before = allocate(words * sizeof(u64));
	after = allocate(words * sizeof(u64));
	memset(pile, 0, sizeof(pile));

	state_normalise();
	state_get(first);
	state_get(after);
	insert(push(&pile[0], 0));
	states = 1;
	if (!verdict.broken)
		search(states_max, result);
	result->states = states;
	result->broken = verdict.broken;
	result->waits_for = verdict.waits_for;
	result->owed_for = verdict.owed_for;

	free(pile[0].words);
	free(pile[1].words);
	free(after);
	free(before);
	free(first);
	free(node);
	free(table);
}

/**
 * explore_tell_size() - print how far an exploration came, as a comment of TAP
 * @with: what was explored
 * @result: what was found
 */
void explore_tell_size(const struct setup *with, const struct result *result)
{
	printf("# %s: %llu states, %llu steps, %s %u deep; longest wait %u ticks, longest park %u\n",
	       with->name, (unsigned long long)result->states,
	       (unsigned long long)result->steps,
	       result->complete ? "complete," : "all that is", result->depth,
	       result->waits_for, result->owed_for);
	if (result->broken)
		printf("# broken after %u steps: %s\n", result->steps_to, result->broken);
}

/**
 * explore_tell() - print a result with the trace, if something is broken
 * @with: what was explored
 * @result: what was found
 */
void explore_tell(const struct setup *with, const struct result *result)
{
	unsigned int i;
	char text[64];

	explore_tell_size(with, result);
	if (!result->broken || result->steps_to > TRACE_MAX)
		return;
	system_init(with);
	for (i = 0; i < result->steps_to; i++) {
		state_normalise();
		system_do(result->trace[i]);
		system_name(result->trace[i], text, sizeof(text));
		printf("# %4u  %-36s ", i + 1, text);
		system_print();
		printf("\n");
	}
}
