/* SPDX-License-Identifier: ISC */
#include "api/machine.h"

#include <string.h>

#include "api/json.h"
#include "api/memory.h"
#include "scratch.h"

#define DISK                                                                                       \
    {                                                                                              \
        .format = MIR_FORMAT_DISK_RAW, .boot_ways = MIR_BOOT_BIOS_DISK                             \
    }
#define GPT                                                                                        \
    {                                                                                              \
        .format = MIR_FORMAT_DISK_VHD, .boot_ways = MIR_BOOT_EFI_DISK                              \
    }
#define BOTH                                                                                       \
    {                                                                                              \
        .format = MIR_FORMAT_DISK_QCOW2, .boot_ways = MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK       \
    }
#define CARRIED /* families as images/judge.c fills them */                                        \
    {                                                                                              \
        .format = MIR_FORMAT_DISK_RAW, .boot_ways = MIR_BOOT_BIOS_DISK, .family_count = 2,         \
        .boots_count = 2, .boots = {{.how = "disk"}, {.how = "qemu-disk"}}, .families = {          \
            {.needs.disk_bus = MIR_BUS_XEN},                                                       \
            {.boots = 1, .needs.disk_bus = MIR_BUS_NVME}                                           \
        }                                                                                          \
    }
#define LOADED                                                                                     \
    {                                                                                              \
        .format = MIR_FORMAT_MULTIBOOT1                                                            \
    }
#define SOLO5                                                                                      \
    {                                                                                              \
        .format = MIR_FORMAT_SOLO5_VIRTIO                                                          \
    }
#define SOLO5_NET                                                                                  \
    {                                                                                              \
        .format = MIR_FORMAT_SOLO5_VIRTIO, .device_count = 1, .devices = {                         \
            {"service0", MIR_DEVICE_NET}                                                           \
        }                                                                                          \
    }
#define BIOS MIR_FIRMWARE_BIOS
#define UEFI MIR_FIRMWARE_UEFI

static const struct {
    struct mir_kernel kernel;
    const char *how;
    struct mir_machine asked;
    struct mir_machine wanted;
    const char *refused; /* NULL: wanted counts */
} rows[] = {
    {DISK, "qemu-disk", {0}, {BIOS, MIR_BUS_IDE, MIR_CARD_VIRTIO}, NULL},
    {DISK, "qemu-disk", {UEFI, 0, 0}, {UEFI, MIR_BUS_IDE, MIR_CARD_VIRTIO}, NULL},
    {GPT, "qemu-disk", {0}, {UEFI, MIR_BUS_IDE, MIR_CARD_VIRTIO}, NULL},
    {GPT, "qemu-disk", {BIOS, 0, 0}, {0}, "no BIOS boot code"},
    {BOTH, "qemu-disk", {0}, {BIOS, MIR_BUS_IDE, MIR_CARD_VIRTIO}, NULL},
    {BOTH,
     "qemu-disk",
     {UEFI, MIR_BUS_NVME, MIR_CARD_E1000E},
     {UEFI, MIR_BUS_NVME, MIR_CARD_E1000E},
     NULL},
    {CARRIED, "qemu-disk", {0}, {BIOS, MIR_BUS_NVME, MIR_CARD_VIRTIO}, NULL},
    {CARRIED, "qemu-disk", {0, MIR_BUS_IDE, 0}, {BIOS, MIR_BUS_IDE, MIR_CARD_VIRTIO}, NULL},
    {LOADED, "qemu-kernel", {0}, {BIOS, 0, MIR_CARD_VIRTIO}, NULL},
    {LOADED, "qemu-kernel", {0, 0, MIR_CARD_NONE}, {BIOS, 0, MIR_CARD_NONE}, NULL},
    {LOADED, "qemu-kernel", {UEFI, 0, 0}, {0}, "no way in from UEFI"},
    {LOADED, "qemu-kernel", {0, MIR_BUS_IDE, 0}, {0}, "without a disk"},
    {SOLO5, "qemu-kernel", {0}, {BIOS, 0, MIR_CARD_NONE}, NULL},
    {SOLO5, "qemu-kernel", {0, 0, MIR_CARD_VIRTIO}, {0}, "names no network card"},
    {SOLO5_NET, "qemu-kernel", {0}, {BIOS, 0, MIR_CARD_VIRTIO}, NULL},
    {SOLO5_NET, "qemu-kernel", {0, 0, MIR_CARD_E1000}, {0}, "demands a virtio"},
    {SOLO5_NET, "qemu-kernel", {0, 0, MIR_CARD_NONE}, {0}, "demands a virtio"},
    {LOADED, "solo5-spt", {0}, {0}, NULL},
    {LOADED, "solo5-spt", {0, 0, MIR_CARD_NONE}, {0, 0, MIR_CARD_NONE}, NULL},
    {LOADED, "solo5-hvt", {0, 0, MIR_CARD_VIRTIO}, {0}, "no network card can be chosen"},
    {LOADED, "solo5-hvt", {BIOS, 0, 0}, {0}, "no firmware can be chosen"},
};

static void what_goes_with_what(void **state)
{
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_machine got = {0}, again = {0};
        struct mir_error err = {0};
        int rc = mir_machine_choose(&rows[i].asked, &rows[i].kernel, rows[i].how, &got, &err);
        if ((rc != 0) != (rows[i].refused != NULL) ||
            memcmp(&got, &rows[i].wanted, sizeof got) != 0)
            fail_msg("row %zu: %d %s, %d %d %d", i, rc, err.text, (int)got.firmware, (int)got.disk,
                     (int)got.nic);
        if (rc) {
            assert_non_null(strstr(err.text, rows[i].refused));
            assert_int_equal(err.kind, MIR_POLICY);
            assert_true(*err.hint != '\0');
            continue;
        }
        /* What is decided stays so. */
        assert_int_equal(mir_machine_choose(&got, &rows[i].kernel, rows[i].how, &again, &err), 0);
        assert_memory_equal(&got, &again, sizeof got);
    }
}

static void there_and_back(void **state)
{
    for (unsigned f = 0; f < MIR_MACHINE_FIRMWARES; f++)
        for (unsigned d = 0; d < MIR_MACHINE_BUSES; d++)
            for (unsigned n = 0; n < MIR_CARD_COUNT; n++) {
                struct mir_machine machine = {(enum mir_firmware)f, (enum mir_bus)d,
                                              (enum mir_card)n},
                                   back = {UEFI, MIR_BUS_SCSI, MIR_CARD_NONE};
                json_t *json = mir_machine_to_json(&machine);
                assert_int_equal(json_object_size(json), !!f + !!d + !!n);
                assert_int_equal(mir_machine_from_json(json, &back, NULL), 0);
                assert_memory_equal(&machine, &back, sizeof back);
                json_decref(json);
            }
}

static void what_is_no_machine(void **state)
{
    static const char *const bad[][2] = {
        {"[]", "object"},
        {"{\"firmware\":\"efi\"}", "bios, uefi"},
        {"{\"disk\":\"\"}", "ide, scsi, virtio, nvme"},
        {"{\"nic\":\"rtl8139\"}", "virtio, e1000, e1000e, none"},
        {"{\"nic\":1}", "nic"},
        {"{\"disk\":\"xen\"}", "'xen'"},
        {"{\"bus\":\"ide\"}", "bus"},
    };
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct mir_machine machine = {UEFI, 0, 0};
        struct mir_error err = {0};
        json_t *json = json_loads(bad[i][0], JSON_DECODE_ANY, NULL);
        assert_int_equal(mir_machine_from_json(json, &machine, &err), -1);
        assert_int_equal(err.kind, MIR_USAGE);
        if (!strstr(err.text, bad[i][1]) && !strstr(err.hint, bad[i][1]))
            fail_msg("%s: %s (%s)", bad[i][0], err.text, err.hint);
        assert_int_equal(machine.firmware, UEFI);
        json_decref(json);
    }
    struct mir_machine machine = {UEFI, 0, 0};
    assert_int_equal(mir_machine_from_json(NULL, &machine, NULL), 0);
    assert_int_equal(machine.firmware, MIR_FIRMWARE_NONE);
}

static void memory_for_firmware(void **state)
{
    struct mir_kernel kernel = {.min_memory_bytes = 1 << 20};
    struct mir_machine machine = {BIOS, 0, 0};
    assert_int_equal(mir_machine_memory(&machine, &kernel), 1 << 20);
    machine.firmware = UEFI;
    assert_int_equal(mir_machine_memory(&machine, &kernel), MIR_UEFI_MEMORY);
    kernel.min_memory_bytes = MIR_UEFI_MEMORY + 1;
    assert_int_equal(mir_machine_memory(&machine, &kernel), MIR_UEFI_MEMORY + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_with_what),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_is_no_machine),
        cmocka_unit_test(memory_for_firmware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
