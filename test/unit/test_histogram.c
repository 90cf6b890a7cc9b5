// SPDX-License-Identifier: GPL-2.0-only
/* The histogram: exact where it says so, and never wrong by more than 1/16. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vgpu_histogram.h"

static void empty_is_zero(void **state)
{
	static struct vgpu_histogram h;

	(void)state;
	assert_int_equal(vgpu_histogram_quantile(&h, 0), 0);
	assert_int_equal(vgpu_histogram_quantile(&h, 500), 0);
	assert_int_equal(vgpu_histogram_quantile(&h, 1000), 0);
}

static void small_values_are_exact(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * VGPU_HISTOGRAM_LINEAR; i++) {
		assert_int_equal(vgpu_histogram_bucket(i), i);
		assert_int_equal(vgpu_histogram_upper(i), i);
	}
}

static void buckets_touch(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < VGPU_HISTOGRAM_BUCKETS - 1; i++) {
		u64 upper = vgpu_histogram_upper(i);

		assert_int_equal(vgpu_histogram_bucket(upper), i);
		assert_int_equal(vgpu_histogram_bucket(upper + 1), i + 1);
	}
}

static void error_is_below_one_sixteenth(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < VGPU_HISTOGRAM_BUCKETS - 2; i++) {
		u64 low = vgpu_histogram_upper(i) + 1;
		u64 high = vgpu_histogram_upper(i + 1);

		assert_true((high - low) * 16 < low || high == low);
	}
}

static void large_values_share_the_last_bucket(void **state)
{
	const u64 first = 1ull << VGPU_HISTOGRAM_BITS;
	const unsigned int last = VGPU_HISTOGRAM_BUCKETS - 1;

	(void)state;
	assert_int_equal(vgpu_histogram_bucket(first), last);
	assert_int_equal(vgpu_histogram_bucket(U64_MAX), last);
	assert_true(vgpu_histogram_upper(last) == U64_MAX);
	assert_true(vgpu_histogram_upper(last + 1) == U64_MAX);
	assert_true(vgpu_histogram_upper(last - 1) < first);
}

static void sum_and_extremes(void **state)
{
	struct vgpu_histogram h = { 0 };

	(void)state;
	vgpu_histogram_add(&h, 7000);
	vgpu_histogram_add(&h, 3);
	vgpu_histogram_add(&h, 123456789);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum, 7000 + 3 + 123456789);
	assert_int_equal(h.min, 3);
	assert_int_equal(h.max, 123456789);
	vgpu_histogram_add(&h, U64_MAX);
	assert_true(h.sum == U64_MAX);
	vgpu_histogram_add(&h, 1);
	assert_true(h.sum == U64_MAX);
	assert_int_equal(h.min, 1);
}

static void extremes_stay_with_values_between_them(void **state)
{
	struct vgpu_histogram h = { 0 };

	(void)state;
	vgpu_histogram_add(&h, 10);
	vgpu_histogram_add(&h, 20);
	vgpu_histogram_add(&h, 15);
	assert_int_equal(h.min, 10);
	assert_int_equal(h.max, 20);
}

static void zero_counts_as_a_value(void **state)
{
	struct vgpu_histogram h = { 0 };

	(void)state;
	vgpu_histogram_add(&h, 5);
	vgpu_histogram_add(&h, 0);
	assert_int_equal(h.min, 0);
	assert_int_equal(vgpu_histogram_quantile(&h, 500), 0);
	assert_int_equal(vgpu_histogram_quantile(&h, 501), 5);
}

static void quantiles_by_nearest_rank(void **state)
{
	struct vgpu_histogram h = { 0 };
	unsigned int i;

	(void)state;
	for (i = 1; i <= 20; i++)
		vgpu_histogram_add(&h, i);
	assert_int_equal(vgpu_histogram_quantile(&h, 0), 1);
	assert_int_equal(vgpu_histogram_quantile(&h, 50), 1);
	assert_int_equal(vgpu_histogram_quantile(&h, 51), 2);
	assert_int_equal(vgpu_histogram_quantile(&h, 500), 10);
	assert_int_equal(vgpu_histogram_quantile(&h, 990), 20);
	assert_int_equal(vgpu_histogram_quantile(&h, 1000), 20);
	assert_int_equal(vgpu_histogram_quantile(&h, 5000), 20);
}

/* The first @low of @count values are 1, the others 9. */
static u64 quantile_of(u64 count, u64 low, u32 permille)
{
	struct vgpu_histogram h = { .count = count, .max = 9 };

	h.bucket[1] = low;
	h.bucket[9] = count - low;
	return vgpu_histogram_quantile(&h, permille);
}

static void ranks_are_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(quantile_of(3, 2, 666), 1);
	assert_int_equal(quantile_of(3, 2, 667), 9);
	assert_int_equal(quantile_of(2500, 1250, 500), 1);
	assert_int_equal(quantile_of(2500, 1249, 500), 9);
	assert_int_equal(quantile_of(2501, 1250, 500), 9);
	assert_int_equal(quantile_of(1001, 1000, 999), 1);
	assert_int_equal(quantile_of(1001, 999, 999), 9);
}

static void one_late_value_in_a_thousand(void **state)
{
	struct vgpu_histogram h = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 999; i++)
		vgpu_histogram_add(&h, 0);
	vgpu_histogram_add(&h, 40000);
	assert_int_equal(vgpu_histogram_quantile(&h, 999), 0);
	assert_int_equal(vgpu_histogram_quantile(&h, 1000), 40000);
}

static void quantile_never_exceeds_the_maximum(void **state)
{
	struct vgpu_histogram h = { 0 };

	(void)state;
	vgpu_histogram_add(&h, 1000001);
	assert_int_equal(vgpu_histogram_quantile(&h, 500), 1000001);
	vgpu_histogram_add(&h, 1ull << 60);
	assert_true(vgpu_histogram_quantile(&h, 990) == 1ull << 60);
}

static void no_overflow_after_years(void **state)
{
	struct vgpu_histogram h = { 0 };

	(void)state;
	h.count = 1ull << 63;
	h.bucket[1] = 1ull << 62;
	h.bucket[9] = 1ull << 62;
	h.max = 9;
	assert_int_equal(vgpu_histogram_quantile(&h, 500), 1);
	assert_int_equal(vgpu_histogram_quantile(&h, 501), 9);
}

static void both_take_the_value(void **state)
{
	struct vgpu_histogram a = { 0 }, b = { 0 };

	(void)state;
	vgpu_histogram_add(&b, 3);
	vgpu_histogram_add_both(&a, &b, 70000);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.sum, 70000);
	assert_int_equal(a.bucket[vgpu_histogram_bucket(70000)], 1);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.sum, 70003);
	assert_int_equal(b.bucket[vgpu_histogram_bucket(70000)], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_zero),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(buckets_touch),
		cmocka_unit_test(error_is_below_one_sixteenth),
		cmocka_unit_test(large_values_share_the_last_bucket),
		cmocka_unit_test(sum_and_extremes),
		cmocka_unit_test(extremes_stay_with_values_between_them),
		cmocka_unit_test(zero_counts_as_a_value),
		cmocka_unit_test(quantiles_by_nearest_rank),
		cmocka_unit_test(ranks_are_rounded_up),
		cmocka_unit_test(one_late_value_in_a_thousand),
		cmocka_unit_test(quantile_never_exceeds_the_maximum),
		cmocka_unit_test(no_overflow_after_years),
		cmocka_unit_test(both_take_the_value),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
