/* SPDX-License-Identifier: ISC */
/* How a guest's disks are called, which of Xen's they are, and which partition each is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "disks.h"

static void names(void **state)
{
    char longest[CAR_BLOCK_NAME_MAX + 2];

    (void)state;
    assert_true(car_block_name("fat1.img", 8));
    assert_true(car_block_name("../store/A_b-9", 14));
    assert_false(car_block_name("", 0));
    assert_false(car_block_name("a b", 3));
    assert_false(car_block_name("a,b", 3));
    assert_false(car_block_name("a=b", 3));
    assert_false(car_block_name("a\0b", 3));
    memset(longest, 'a', sizeof(longest));
    assert_true(car_block_name(longest, CAR_BLOCK_NAME_MAX));
    assert_false(car_block_name(longest, CAR_BLOCK_NAME_MAX + 1));
}

static void devices(void **state)
{
    static const struct {
        const char *name;
        int unit;
    } rows[] = {{"xvda", 0},    {"xvdp", 15},    {"/dev/xvdc", 2}, {"51712", 0},  {"51952", 15},
                {"xvdq", -1},   {"xvda1", -1},   {"xvd", -1},      {"51713", -1}, {"51968", -1},
                {"5", -1},      {"0", -1},       {"disk0", -1},    {"hda", -1},   {"/dev/", -1},
                {"51712x", -1}, {"dev/xvda", -1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(car_block_unit_of(rows[i].name), rows[i].unit);
    assert_int_equal(car_block_number(0), 51712);
    assert_int_equal(car_block_number(15), 51952);
    assert_true(car_block_same("xvdb", "51728"));
    assert_true(car_block_same("a", "a"));
    assert_false(car_block_same("a", "b"));
    assert_false(car_block_same("xvda", "xvdb"));
}

/* In their order, around those whose name says which they are. */
static void units(void **state)
{
    static const char *const mixed[] = {"a", "xvda", "b", "51744", "c"};
    static const size_t wanted[] = {1, 0, 3, 2, 4};
    char room[CAR_BLOCKS_MAX][3];
    const char *all[CAR_BLOCKS_MAX];

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(car_block_unit(mixed, 5, i), wanted[i]);
    for (size_t i = 0; i < CAR_BLOCKS_MAX; i++) {
        memcpy(room[i], (char[]){'n', (char)('a' + i), '\0'}, 3);
        all[i] = room[i];
    }
    all[3] = "xvdp";
    assert_int_equal(car_block_unit(all, CAR_BLOCKS_MAX, 3), 15);
    assert_int_equal(car_block_unit(all, CAR_BLOCKS_MAX, 4), 3);
    assert_int_equal(car_block_unit(all, CAR_BLOCKS_MAX, CAR_BLOCKS_MAX - 1), 14);
}

static void partitions(void **state)
{
    static const struct {
        const char *text;
        int number;
    } rows[] = {
        {"MAJOR=259\nMINOR=3\nDEVNAME=nvme0n1p3\nDEVTYPE=partition\nPARTN=3\n"
         "PARTNAME=mirage-block-0\n",
         0},
        {"PARTNAME=mirage-block-15\nDEVNAME=vda9", 15},
        {"DEVNAME=vda9\nPARTNAME=mirage-block-15", 15},
        {"DEVNAME=vda1\nPARTNAME=EFI system\n", -1},
        {"DEVNAME=vda\n", -1},
        {"PARTNAME=mirage-block-0\n", -1},
        {"DEVNAME=\nPARTNAME=mirage-block-0\n", -1},
        {"DEVNAME=vda1\nPARTNAME=mirage-block-\n", -1},
        {"DEVNAME=vda1\nPARTNAME=mirage-block-16\n", -1},
        {"DEVNAME=vda1\nPARTNAME=mirage-block--1\n", -1},
        {"DEVNAME=vda1\nPARTNAME=mirage-block-1x\n", -1},
        {"DEVNAME=vda1\nXPARTNAME=mirage-block-1\n", -1},
        {"DEVNAME=a-name-that-is-longer-than-any-device-has-it-in-any-Linux-that-there-is\n"
         "PARTNAME=mirage-block-1\n",
         -1},
        {"", -1},
    };
    char device[CAR_BLOCK_DEVICE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(car_block_of_uevent(rows[i].text, device, sizeof(device)), rows[i].number);
    assert_int_equal(car_block_of_uevent(rows[0].text, device, sizeof(device)), 0);
    assert_string_equal(device, "/dev/nvme0n1p3");
}

static void missed(void **state)
{
    static const struct {
        const char *line;
        const char *name;
    } rows[] = {
        {"Block.connect fat5.img: could not find device", "fat5.img"},
        {"x Block.connect a: could not find device\r", "a"},
        {"Block.connect a: unable to match 'a' to any available devices [  ]", NULL},
        {"Block.connect : could not find device", NULL},
        {"Block.connect a b: could not find device", NULL},
        {": could not find device Block.connect a", NULL},
        {"Block.connect", NULL},
        {"", NULL},
    };
    char name[CAR_BLOCK_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(car_block_missed(rows[i].line, name), rows[i].name != NULL);
        if (rows[i].name != NULL)
            assert_string_equal(name, rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),      cmocka_unit_test(devices), cmocka_unit_test(units),
        cmocka_unit_test(partitions), cmocka_unit_test(missed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
