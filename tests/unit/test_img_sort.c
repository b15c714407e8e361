/* SPDX-License-Identifier: ISC */
/* Sorting without the C library's qsort: against it. */
#include "sort.h"

#include "image_random.h"
#include "scratch.h"

#define ITEMS_MAX 3000

struct thing {
    uint64_t at, value;
    char more[23];
};

static int by_place(const void *a, const void *b)
{
    const struct thing *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* Every item is there as a whole: its value says where it has to be. */
static void sorted(struct thing *things, size_t count)
{
    static struct thing want[ITEMS_MAX];
    memcpy(want, things, count * sizeof *things);
    if (count)
        qsort(want, count, sizeof *want, by_place);
    img_sort_by_place(things, count, sizeof *things);
    for (size_t i = 0; i < count; i++) {
        assert_true(things[i].at == want[i].at);
        assert_true(things[i].value == ~things[i].at);
        assert_int_equal(things[i].more[22], (char)things[i].at);
    }
}

static void fill(struct thing *things, size_t count, uint64_t seed, uint64_t below)
{
    uint64_t dice = seed;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = below ? image_dice_below(&dice, below) : image_dice(&dice);
        things[i] = (struct thing){.at = at, .value = ~at};
        things[i].more[22] = (char)at;
    }
}

static void test_any_order(void **state)
{
    static struct thing things[ITEMS_MAX];
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        size_t count = seed <= 40 ? seed - 1 : (size_t)(seed * 7919 % ITEMS_MAX);
        fill(things, count, seed, seed % 3 ? 0 : 1 + seed % 50);
        sorted(things, count);
    }
}

static void test_in_order_and_backwards(void **state)
{
    static struct thing things[ITEMS_MAX];
    (void)state;
    for (int up = 0; up < 2; up++) {
        for (size_t i = 0; i < ITEMS_MAX; i++) {
            uint64_t at = up ? i : UINT64_MAX - i;
            things[i] = (struct thing){.at = at, .value = ~at};
            things[i].more[22] = (char)at;
        }
        sorted(things, ITEMS_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_in_order_and_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
