/* SPDX-License-Identifier: ISC */
#include "api/kernel.h"

#include "scratch.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mir_kernel sample(void)
{
    struct mir_kernel k = {.sha256 = SHA,
                           .bytes = 28000,
                           .unpacked_bytes = 90000,
                           .container = MIR_CONTAINER_XZ,
                           .format = MIR_FORMAT_MULTIBOOT1,
                           .arch = MIR_ARCH_I386,
                           .boot_ways = MIR_BOOT_MULTIBOOT1 | MIR_BOOT_PVH,
                           .takes_part = MIR_PART_ARGS | MIR_PART_POWEROFF,
                           .entry = 0xffffffff80100000u,
                           .load_bytes = 0x200000,
                           .min_memory_bytes = 16 << 20,
                           .solo5_abi_version = UINT32_MAX,
                           .powers_off = MIR_POWERS_OFF_YES,
                           .description = "a kernel",
                           .device_count = 2,
                           .devices = {{"net0", MIR_DEVICE_NET}, {"disk", MIR_DEVICE_BLOCK}},
                           .table = "0123456789abcdef0123456789abcdef",
                           .boots_count = 2,
                           .boots = {{"local", MIR_VERDICT_BOOTS, "qemu-kernel", "because"},
                                     {"ec2", MIR_VERDICT_CANNOT, "", "it has no driver"}},
                           .family_count = 2};
    k.families[0] = (struct mir_family){.boots = 0,
                                        .family = "qemu-pc",
                                        .verdict = MIR_VERDICT_BOOTS,
                                        .why = "because",
                                        .needs = {.direct_kernel = true, .nic = MIR_NIC_VIRTIO},
                                        .powers_off = MIR_POWERS_OFF_YES};
    k.families[1] =
        (struct mir_family){.boots = 1,
                            .family = "nitro",
                            .verdict = MIR_VERDICT_CANNOT,
                            .why = "it has no driver",
                            .needs = {MIR_IMAGE_VHD, MIR_LAYOUT_PVGRUB, MIR_FIRMWARE_UEFI,
                                      MIR_BUS_XEN, MIR_NIC_XEN, true, false, true},
                            .carrier = MIR_CARRIER_SHIM};
    return k;
}

static void survives_a_round_trip(void **state)
{
    struct mir_kernel k = sample(), again = {0};
    struct mir_error err = {0};
    json_t *json = mir_kernel_to_json(&k);
    assert_non_null(json);
    if (mir_kernel_from_json(json, &again, &err))
        fail_msg("%s", err.text);
    json_t *second = mir_kernel_to_json(&again);
    assert_true(json_equal(json, second));
    assert_int_equal(again.entry, k.entry);
    assert_int_equal(again.boot_ways, k.boot_ways);
    assert_int_equal(again.solo5_abi_version, UINT32_MAX);
    assert_string_equal(json_string_value(json_object_get(json, "format")), "multiboot1");
    const struct mir_boots *boots = mir_kernel_boots(&again, "local");
    assert_non_null(boots);
    assert_int_equal(boots->verdict, MIR_VERDICT_BOOTS);
    assert_null(mir_kernel_boots(&again, "openstack"));
    assert_string_equal(again.table, k.table);
    const struct mir_family *nitro = mir_kernel_family(&again, "ec2", "nitro");
    assert_non_null(nitro);
    assert_memory_equal(&nitro->needs, &k.families[1].needs, sizeof nitro->needs);
    assert_int_equal(nitro->carrier, MIR_CARRIER_SHIM);
    assert_null(mir_kernel_family(&again, "local", "nitro"));
    assert_null(mir_kernel_family(&again, "openstack", "nitro"));
    assert_int_equal(mir_kernel_family(&again, "local", "qemu-pc")->powers_off, MIR_POWERS_OFF_YES);
    json_decref(second);
    json_decref(json);
}

/* What a daemon of before there were families has stored. */
static void old_documents_are_read(void **state)
{
    struct mir_kernel k = sample(), again = {0};
    struct mir_error err = {0};
    json_t *json = mir_kernel_to_json(&k), *row;
    const char *provider;
    json_object_del(json, "table");
    json_object_foreach(json_object_get(json, "boots"), provider, row)
        json_object_del(row, "families");
    if (mir_kernel_from_json(json, &again, &err))
        fail_msg("%s", err.text);
    assert_string_equal(again.table, "");
    assert_int_equal(again.family_count, 0);
    assert_int_equal(mir_kernel_boots(&again, "ec2")->verdict, MIR_VERDICT_CANNOT);
    assert_null(mir_kernel_family(&again, "ec2", "nitro"));
    json_decref(json);
}

/* One thing wrong in the second provider's family. */
static void family_refused(const char *field, json_t *value)
{
    struct mir_kernel k = sample(), out;
    struct mir_error err = {0};
    json_t *json = mir_kernel_to_json(&k);
    json_t *row = json_object_get(json_object_get(json, "boots"), "ec2");
    json_t *family = json_array_get(json_object_get(row, "families"), 0);
    if (value)
        json_object_set_new(family, field, value);
    else
        json_object_del(family, field);
    if (!mir_kernel_from_json(json, &out, &err))
        fail_msg("%s taken", field);
    assert_int_equal(err.kind, MIR_CORRUPT);
    json_decref(json);
}

static void families_are_checked(void **state)
{
    static const char *const fields[] = {"family", "verdict", "why",
                                         "needs",  "carrier", "powers_off"};
    for (size_t i = 0; i < MIR_NELEMS(fields); i++) {
        family_refused(fields[i], NULL);
        family_refused(fields[i], json_integer(7));
    }
    family_refused("family", json_string("a name longer than fifteen characters"));
    family_refused("verdict", json_string("perhaps"));
    family_refused("carrier", json_string("pigeon"));
    static const char *const needs[] = {"image", "boot", "firmware", "disk_bus", "nic"};
    for (size_t i = 0; i < MIR_NELEMS(needs); i++)
        family_refused("needs", json_pack("{s:s}", needs[i], "steam"));
    family_refused("needs", json_pack("{s:i}", "ena", 1));
    family_refused("needs", json_pack("{s:s}", "direct_kernel", "yes"));
}

static void families_are_counted(void **state)
{
    struct mir_kernel k = sample(), out;
    json_t *json = mir_kernel_to_json(&k);
    json_t *list =
        json_object_get(json_object_get(json_object_get(json, "boots"), "ec2"), "families");
    while (json_array_size(list) < MIR_KERNEL_FAMILIES_MAX - 1)
        json_array_append(list, json_array_get(list, 0));
    assert_int_equal(mir_kernel_from_json(json, &out, NULL), 0);
    assert_int_equal(out.family_count, MIR_KERNEL_FAMILIES_MAX);
    json_array_append(list, json_array_get(list, 0)); /* one more, with local's */
    assert_int_equal(mir_kernel_from_json(json, &out, NULL), -1);
    json_decref(json);
}

/* Each field in turn missing, and of a type that it cannot have. */
static void every_field_is_needed(void **state)
{
    struct mir_kernel k = sample();
    json_t *whole = mir_kernel_to_json(&k);
    const char *field;
    json_t *value;
    json_object_foreach(whole, field, value)
    {
        json_t *copies[] = {json_copy(whole), json_copy(whole), json_copy(whole)};
        json_object_del(copies[0], field);
        json_object_set_new(copies[1], field, json_true());
        json_object_set_new(copies[2], field, json_string("\x7f no such name"));
        for (size_t i = 0; i < MIR_NELEMS(copies); i++) {
            struct mir_kernel out = {.bytes = 42};
            struct mir_error err = {0};
            int is_text = i == 2 && (!strcmp(field, "description") || !strcmp(field, "table"));
            is_text |= i == 0 && !strcmp(field, "table"); /* younger than the others */
            assert_int_equal(mir_kernel_from_json(copies[i], &out, &err), is_text ? 0 : -1);
            if (!is_text) {
                assert_int_equal(err.kind, MIR_CORRUPT);
                assert_non_null(strstr(err.text, field));
                assert_int_equal(out.bytes, 42);
            }
            json_decref(copies[i]);
        }
    }
    json_decref(whole);
}

static void refused(const char *field, json_t *value)
{
    struct mir_kernel k = sample(), out;
    json_t *json = mir_kernel_to_json(&k);
    json_object_set_new(json, field, value);
    struct mir_error err = {0};
    if (!mir_kernel_from_json(json, &out, &err))
        fail_msg("%s taken", field);
    assert_int_equal(err.kind, MIR_CORRUPT);
    json_decref(json);
}

static void sizes_and_numbers_are_limited(void **state)
{
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    refused("description", json_string(longer));
    refused("table", json_string(longer));
    refused("sha256", json_string("ABC"));
    refused("solo5_abi_version", json_integer(1LL << 33));
    refused("solo5_abi_version", json_integer(-1));
    refused("bytes", json_integer(-1));
    refused("unpacked_bytes", json_integer(-1));
    refused("min_memory_bytes", json_integer(-5));
    refused("boot_ways", json_pack("[s]", "teleport"));
    refused("takes_part", json_pack("[i]", 1));
    refused("devices", json_pack("[{s:s, s:s}]", "name", longer, "kind", "net"));
    refused("devices", json_pack("[{s:s, s:s}]", "name", "x", "kind", "other-worldly"));
    refused("boots",
            json_pack("{s:{s:s, s:s, s:s}}", longer, "verdict", "boots", "how", "", "why", ""));
    refused("boots", json_pack("{s:{s:s, s:s, s:s}}", "local", "verdict", "boots", "how", "", "why",
                               longer));
    json_t *many = json_array(), *map = json_object();
    for (int i = 0; i < 64; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        json_array_append_new(many, json_pack("{s:s, s:s}", "name", "x", "kind", "net"));
        json_object_set_new(map, name,
                            json_pack("{s:s, s:s, s:s}", "verdict", "boots", "how", "", "why", ""));
    }
    refused("devices", many);
    refused("boots", map);
    struct mir_kernel out;
    json_t *list = json_array();
    assert_int_equal(mir_kernel_from_json(list, &out, NULL), -1);
    assert_int_equal(mir_kernel_from_json(NULL, &out, NULL), -1);
    json_decref(list);
}

static void names_are_stable(void **state)
{
    for (int i = 0; i < MIR_FORMAT_COUNT; i++)
        assert_int_equal(mir_format_by_name(mir_format_name((enum mir_format)i)), i);
    assert_int_equal(mir_format_by_name("a.out"), -1);
    assert_int_equal(mir_format_by_name(NULL), -1);
    assert_string_equal(mir_format_name((enum mir_format)999), "unknown");
    assert_string_equal(mir_container_name(MIR_CONTAINER_ZSTD), "zstd");
    assert_string_equal(mir_arch_name(MIR_ARCH_AARCH64), "aarch64");
    assert_string_equal(mir_verdict_name(MIR_VERDICT_NO_NETWORK), "no-network");
    assert_true(mir_sha256_valid(SHA));
    assert_false(mir_sha256_valid("../../etc/passwd"));
    assert_false(mir_sha256_valid(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_a_round_trip), cmocka_unit_test(old_documents_are_read),
        cmocka_unit_test(families_are_checked),  cmocka_unit_test(families_are_counted),
        cmocka_unit_test(every_field_is_needed), cmocka_unit_test(sizes_and_numbers_are_limited),
        cmocka_unit_test(names_are_stable),
    };
    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
