/* SPDX-License-Identifier: ISC */
#include "api/proof.h"

#include <string.h>

#include "api/memory.h"
#include "scratch.h"

/* Seen under QEMU: SeaBIOS and GRUB, OVMF and GRUB, and a kernel after them. */
#define OVMF                                                                                       \
    "\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01HBdsDxe: loading Boot0001 \"UEFI QEMU NVMe Ctrl\"" \
    " from PciRoot(0x0)/Pci(0x2,0x0)\r\nBdsDxe: starting Boot0001 \"UEFI QEMU NVMe Ctrl\"\r\n"     \
    "\x1b[0m\x1b[30m\x1b[47mWelcome to GRUB!\n\r\n\r\x1b[0m\x1b[37m\x1b[40m"                       \
    "WARNING: no console will be available to OS\n\rerror: no suitable video mode found.\n\r"
#define BIOS_GRUB "error: Can't get controller info..\n\r"

static bool spoke(const char *text)
{
    return mir_proof_spoke(text, strlen(text));
}

static void who_speaks(void **state)
{
    assert_false(spoke(""));
    assert_false(spoke(OVMF));
    assert_false(spoke(BIOS_GRUB));
    assert_true(spoke(OVMF "hello: mirage-deploy hello"));
    assert_true(spoke(BIOS_GRUB "h"));
    assert_false(spoke("\r\n \t\x1b[0m\x01\x7f"));
    assert_false(spoke("GRUB loading.\r\nWelcome to GRUB!\r\n"));
    assert_false(spoke("error: unknown filesystem.\r\nEntering rescue mode...\r\ngrub rescue> "));
    assert_false(spoke("mirage-deploy: the boot loader cannot start the kernel; powering off\n"));
    assert_true(spoke("mirage-deploy hello\n"));
    assert_true(spoke("\x1b[31mgo"));
}

/* Xen, its Linux and the carrier speak before the kernel does. */
static void who_speaks_inside(void **state)
{
    static const struct {
        const char *text;
        bool spoke;
    } rows[] = {
        {"", false},
        {"(XEN) Xen version 4.17.7\r\ncarrier[4.1] the guest runs\r\n", false},
        {"carrier[4.1] the guest runs\nguest| \nguest|\n", false},
        {"carrier[4.1] power off: guest| no\n", false},
        {"guest| Xen Minimal OS!\n", true},
        {"carrier[4.1] the guest runs\r\r\nguest| h", true},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++)
        assert_int_equal(mir_proof_spoke_inside(rows[i].text, strlen(rows[i].text)), rows[i].spoke);
}

/* However little of it has come: nothing of firmware and boot loader is taken for a kernel. */
static void no_beginning_counts(void **state)
{
    const char *text = OVMF;
    for (size_t len = 0; len <= strlen(text); len++)
        if (mir_proof_spoke(text, len))
            fail_msg("after %zu bytes: ...%.20s", len, text + (len > 20 ? len - 20 : 0));
    /* And from the kernel's first letter that is none of theirs on, it has spoken. */
    text = OVMF "hello";
    for (size_t len = strlen(OVMF) + 1; len <= strlen(text); len++)
        assert_true(mir_proof_spoke(text, len));
    text = OVMF "Loaded";
    assert_false(mir_proof_spoke(text, strlen(OVMF) + 4)); /* "Load" may become "Loading " */
    assert_true(mir_proof_spoke(text, strlen(OVMF) + 5));
}

static void judged(void **state)
{
    static const struct {
        struct mir_proof_seen seen;
        enum mir_proof_verdict verdict;
    } rows[] = {
        {{.spoke_ms = -1, .now_ms = 9}, MIR_PROOF_WAIT},
        {{.spoke_ms = -1, .now_ms = 60000}, MIR_PROOF_FAILED},
        {{.spoke_ms = -1, .answered = true, .may_answer = true}, MIR_PROOF_ANSWERED},
        {{.spoke_ms = -1, .answered = true, .ended = true, .end_reason = "deadline"},
         MIR_PROOF_ANSWERED},
        {{.spoke_ms = 5, .now_ms = 9}, MIR_PROOF_SPOKE}, /* no network: nothing more to come */
        {{.spoke_ms = 5, .now_ms = 9, .may_answer = true}, MIR_PROOF_WAIT},
        {{.spoke_ms = 5, .now_ms = 5004, .may_answer = true}, MIR_PROOF_WAIT},
        {{.spoke_ms = 5, .now_ms = 5005, .may_answer = true}, MIR_PROOF_SPOKE},
        {{.spoke_ms = 5, .now_ms = 5005, .may_answer = true, .promises = true}, MIR_PROOF_WAIT},
        {{.spoke_ms = 5, .now_ms = 60000, .may_answer = true, .promises = true}, MIR_PROOF_SPOKE},
        {{.spoke_ms = 59999, .now_ms = 60000, .may_answer = true}, MIR_PROOF_SPOKE},
        {{.spoke_ms = -1, .ended = true, .end_reason = "powered off"}, MIR_PROOF_FAILED},
        {{.spoke_ms = 5, .ended = true, .end_reason = "powered off"}, MIR_PROOF_SPOKE},
        {{.spoke_ms = 5, .ended = true, .end_reason = "guest aborted"}, MIR_PROOF_FAILED},
        {{.spoke_ms = 5, .ended = true, .end_reason = ""}, MIR_PROOF_FAILED},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct mir_proof_seen seen = rows[i].seen;
        seen.limit_ms = 60000;
        if (mir_proof_judge(&seen) != rows[i].verdict)
            fail_msg("row %zu: %s", i, mir_proof_verdict_name(mir_proof_judge(&seen)));
    }
    assert_string_equal(mir_proof_verdict_name(MIR_PROOF_ANSWERED), "answered");
    assert_string_equal(mir_proof_verdict_name(MIR_PROOF_SPOKE), "spoke");
}

/* Every row is a machine that can be built, says why, and is found; no two are the same. */
static void the_table(void **state)
{
    size_t count;
    const struct mir_proof_target *rows = mir_proof_targets(&count);
    const struct mir_kernel disk = {.format = MIR_FORMAT_DISK_RAW,
                                    .boot_ways = MIR_BOOT_BIOS_DISK | MIR_BOOT_EFI_DISK};
    for (size_t i = 0; i < count; i++) {
        struct mir_machine machine;
        assert_true(rows[i].machine.firmware && rows[i].machine.disk && rows[i].machine.nic);
        assert_true(strlen(rows[i].why) > 20 && *rows[i].title);
        assert_int_equal(mir_machine_choose(&rows[i].machine, &disk, "qemu-disk", &machine, NULL),
                         0);
        assert_memory_equal(&machine, &rows[i].machine, sizeof machine);
        assert_ptr_equal(mir_proof_target_find(rows[i].family, rows[i].machine.firmware), &rows[i]);
    }
    assert_int_equal(mir_proof_target_find("ec2-nitro", MIR_FIRMWARE_NONE)->machine.firmware,
                     MIR_FIRMWARE_BIOS);
    assert_null(mir_proof_target_find("ec2-xen-hvm", MIR_FIRMWARE_UEFI));
    assert_null(mir_proof_target_find("ec2", MIR_FIRMWARE_NONE));
}

static void nearest_to_needs(void **state)
{
    static const struct {
        const char *provider;
        struct mir_needs needs;
        const char *family;
    } rows[] = {
        {"ec2", {.firmware = MIR_FIRMWARE_BIOS, .disk_bus = MIR_BUS_NVME}, "ec2-nitro"},
        {"ec2", {.firmware = MIR_FIRMWARE_UEFI, .disk_bus = MIR_BUS_NVME}, "ec2-nitro"},
        {"ec2", {.firmware = MIR_FIRMWARE_BIOS, .disk_bus = MIR_BUS_XEN}, "ec2-xen-hvm"},
        {"openstack", {.disk_bus = MIR_BUS_VIRTIO}, "openstack-kvm"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const struct mir_proof_target *found =
            mir_proof_target_for(rows[i].provider, &rows[i].needs);
        assert_non_null(found);
        assert_string_equal(found->family, rows[i].family);
        if (rows[i].needs.firmware)
            assert_int_equal(found->machine.firmware, rows[i].needs.firmware);
    }
    assert_null(mir_proof_target_for("ec2", &(struct mir_needs){.layout = MIR_LAYOUT_PVGRUB}));
    assert_null(mir_proof_target_for("open", &(struct mir_needs){.disk_bus = MIR_BUS_VIRTIO}));
}

/* Seen: Solo5 aborts at a virtio disk or card that its manifest does not name. */
static void solo5_gets_its_manifest(void **state)
{
    const struct mir_proof_target *nova = mir_proof_target_find("openstack-kvm", MIR_FIRMWARE_BIOS);
    struct mir_kernel kernel = {.format = MIR_FORMAT_MULTIBOOT1};
    assert_int_equal(mir_proof_machine(nova, &kernel).disk, MIR_BUS_VIRTIO);
    assert_int_equal(mir_proof_machine(nova, &kernel).nic, MIR_CARD_VIRTIO);
    kernel.format = MIR_FORMAT_SOLO5_VIRTIO;
    assert_int_equal(mir_proof_machine(nova, &kernel).disk, MIR_BUS_IDE);
    assert_int_equal(mir_proof_machine(nova, &kernel).nic, MIR_CARD_NONE);
    kernel.device_count = 2;
    kernel.devices[0] = (struct mir_device){"service", MIR_DEVICE_NET};
    kernel.devices[1] = (struct mir_device){"storage", MIR_DEVICE_BLOCK};
    assert_int_equal(mir_proof_machine(nova, &kernel).disk, MIR_BUS_VIRTIO);
    assert_int_equal(mir_proof_machine(nova, &kernel).nic, MIR_CARD_VIRTIO);
}

static void memory(void **state)
{
    struct mir_kernel kernel = {.min_memory_bytes = 5000000};
    assert_int_equal(mir_proof_memory(&kernel), 256 << 20);
    kernel.min_memory_bytes = (uint64_t)400 << 20;
    assert_int_equal(mir_proof_memory(&kernel), 528 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_speaks),
        cmocka_unit_test(who_speaks_inside),
        cmocka_unit_test(no_beginning_counts),
        cmocka_unit_test(judged),
        cmocka_unit_test(the_table),
        cmocka_unit_test(memory),
        cmocka_unit_test(solo5_gets_its_manifest),
        cmocka_unit_test(nearest_to_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
