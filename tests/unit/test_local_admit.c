/* SPDX-License-Identifier: ISC */
/* What is let in, with programs that only pretend to be QEMU and tenders. */
#include "ctx.h"

#include <sys/stat.h>

#include "local_help.h"

static const char fake_qemu[] = "#!/bin/sh\n"
                                "echo 'QEMU emulator version 9.9.1 (Debian 1:9)'\n";

static struct local_ctx ctx_in(struct local_place *place)
{
    struct local_ctx local = {.clock = mir_clock_system(),
                              .root_fd = place->dir_fd,
                              .machine = "pc",
                              .default_memory_bytes = 64 << 20};
    snprintf(local.qemu, sizeof local.qemu, "%s/qemu", place->path);
    local.accel.choice = LOCAL_ACCEL_TCG;
    return local;
}

static void put_program(struct local_place *place, const char *name, const char *text)
{
    local_put(place->dir_fd, name, text, strlen(text));
    assert_int_equal(fchmodat(place->dir_fd, name, 0700, 0), 0);
}

static struct mir_kernel some_kernel(const char *how)
{
    struct mir_kernel kernel = {.format = MIR_FORMAT_MULTIBOOT1,
                                .arch = MIR_ARCH_I386,
                                .min_memory_bytes = 16 << 20,
                                .boots_count = 1};
    mir_copy(kernel.boots[0].provider, sizeof kernel.boots[0].provider, "local");
    mir_copy(kernel.boots[0].how, sizeof kernel.boots[0].how, how);
    kernel.boots[0].verdict = MIR_VERDICT_BOOTS;
    return kernel;
}

/* NULL: admitted; else a part of the text that refuses. */
static void expect(struct local_ctx *local, const struct mir_instance_spec *spec,
                   enum mir_kind kind, const char *says)
{
    struct mir_error err = {0};
    int rc = local_admit(local, spec, &err);
    if (!says && rc)
        fail_msg("refused: %s", err.text);
    if (says && (!rc || !strstr(err.text, says) || err.kind != kind))
        fail_msg("kind %d, '%s' does not say '%s'", err.kind, err.text, says);
}

/* What makes virtual machines inside of its own gets an emulated one. */
static void virtualisation(void **state)
{
    struct local_ctx local = ctx_in(*state);
    struct mir_kernel kernel = some_kernel("qemu-kernel");
    struct mir_instance_spec spec = {.kernel = &kernel, .memory_bytes = 16 << 20, .name = "site"};
    put_program(*state, "qemu", fake_qemu);
    kernel.family_count = 1;
    kernel.families[0] = (struct mir_family){.family = "qemu-pc"};
    assert_false(local_admit_virtualises(&kernel));
    kernel.families[0].needs.virtualisation = true;
    assert_true(local_admit_virtualises(&kernel));
    expect(&local, &spec, MIR_OK, NULL);
    local.accel.choice = LOCAL_ACCEL_KVM;
    expect(&local, &spec, MIR_POLICY, "accelerator = kvm does not allow that");
}

static void qemu_kernels(void **state)
{
    struct local_ctx local = ctx_in(*state);
    struct mir_kernel kernel = some_kernel("qemu-kernel");
    struct mir_instance_spec spec = {.kernel = &kernel, .memory_bytes = 16 << 20, .name = "site"};
    expect(&local, &spec, MIR_UNAVAILABLE, "not installed");
    put_program(*state, "qemu", "#!/bin/sh\nexit 1\n");
    expect(&local, &spec, MIR_UNAVAILABLE, "does not tell its version");
    put_program(*state, "qemu", fake_qemu);
    expect(&local, &spec, 0, NULL);
    spec.memory_bytes = 0; /* the provider's choice */
    expect(&local, &spec, 0, NULL);
    spec.memory_bytes = (16 << 20) - 1;
    expect(&local, &spec, MIR_POLICY, "needs 16 MiB");
    spec.memory_bytes = (uint64_t)1 << 50;
    expect(&local, &spec, MIR_POLICY, "more than this machine's");
    kernel.min_memory_bytes = 0;
    spec.memory_bytes = 1 << 20;
    expect(&local, &spec, MIR_USAGE, "at least 4 MiB");
    spec.memory_bytes = 16 << 20;
    mir_copy(spec.arguments, sizeof spec.arguments, "a\nb");
    expect(&local, &spec, MIR_USAGE, "control character");
    mir_copy(spec.arguments, sizeof spec.arguments, "a\xff");
    expect(&local, &spec, MIR_USAGE, "UTF-8");
    spec.arguments[0] = '\0';
    kernel.arch = MIR_ARCH_AARCH64;
    expect(&local, &spec, MIR_POLICY, "aarch64");
    kernel.arch = MIR_ARCH_X86_64;
    kernel.boots[0].verdict = MIR_VERDICT_NO_NETWORK;
    expect(&local, &spec, 0, NULL);
    /* A verdict with a way to try was overruled by --anyway before it came here. */
    kernel.boots[0].verdict = MIR_VERDICT_CANNOT;
    expect(&local, &spec, 0, NULL);
    kernel.boots[0].how[0] = '\0';
    mir_copy(kernel.boots[0].why, sizeof kernel.boots[0].why, "Xen only");
    expect(&local, &spec, MIR_POLICY, "Xen only");
    kernel.boots[0].verdict = MIR_VERDICT_UNKNOWN;
    expect(&local, &spec, MIR_POLICY, "cannot boot locally");
    kernel.boots_count = 0;
    expect(&local, &spec, MIR_POLICY, "nothing is known");
}

static void qemu_disks(void **state)
{
    struct local_place *place = *state;
    struct local_ctx local = ctx_in(place);
    struct mir_kernel kernel = some_kernel("qemu-disk");
    unsigned char head[104] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};
    char *path = mir_format("%s/disk", place->path);
    struct mir_instance_spec spec = {.kernel = &kernel, .kernel_path = path, .name = "site"};
    put_program(place, "qemu", fake_qemu);
    kernel.format = MIR_FORMAT_DISK_QCOW2;
    local_put(place->dir_fd, "disk", head, sizeof head);
    expect(&local, &spec, 0, NULL);
    head[15] = 1;
    local_put(place->dir_fd, "disk", head, sizeof head);
    expect(&local, &spec, MIR_POLICY, "another file");
    /* UEFI wants its firmware, which is looked for where the configuration says. */
    head[15] = 0;
    local_put(place->dir_fd, "disk", head, sizeof head);
    kernel.boot_ways = MIR_BOOT_EFI_DISK;
    mir_copy(local.uefi, sizeof local.uefi, place->path);
    expect(&local, &spec, MIR_UNAVAILABLE, "OVMF_CODE_4M.fd");
    local_put(place->dir_fd, "OVMF_CODE_4M.fd", "code", 4);
    expect(&local, &spec, MIR_UNAVAILABLE, "OVMF_VARS_4M.fd");
    local_put(place->dir_fd, "OVMF_VARS_4M.fd", "vars", 4);
    expect(&local, &spec, 0, NULL);
    spec.memory_bytes = 32 << 20;
    expect(&local, &spec, MIR_POLICY, "needs 64 MiB");
    spec.memory_bytes = 0;
    spec.machine.firmware = MIR_FIRMWARE_BIOS;
    expect(&local, &spec, MIR_POLICY, "BIOS cannot start it");
    spec.machine = (struct mir_machine){.nic = MIR_CARD_NONE};
    expect(&local, &spec, 0, NULL);
    spec.port_count = 1;
    expect(&local, &spec, MIR_POLICY, "no network card");
    free(path);
}

static void tenders(void **state)
{
    struct local_place *place = *state;
    struct local_ctx local = ctx_in(place);
    struct mir_kernel kernel = some_kernel("solo5-spt");
    struct mir_instance_spec spec = {.kernel = &kernel, .memory_bytes = 16 << 20, .name = "site"};
    char *old = mir_strdup(getenv("PATH"));
    kernel.format = MIR_FORMAT_SOLO5_SPT;
    assert_int_equal(setenv("PATH", place->path, 1), 0);
    expect(&local, &spec, MIR_POLICY, "solo5-spt");
    put_program(place, "solo5-spt", "#!/bin/sh\n");
    expect(&local, &spec, 0, NULL);
    spec.port_count = 1;
    expect(&local, &spec, MIR_POLICY, "no network");
    kernel.device_count = 1;
    kernel.devices[0] = (struct mir_device){"service0", MIR_DEVICE_NET};
    expect(&local, &spec, MIR_POLICY, "'service0'");
    assert_int_equal(setenv("PATH", old, 1), 0);
    free(old);
}

static void solo5_devices(void **state)
{
    struct local_ctx local = ctx_in(*state);
    struct mir_kernel kernel = some_kernel("qemu-kernel");
    struct mir_machine any = {0};
    struct mir_instance_spec spec = {.kernel = &kernel, .memory_bytes = 16 << 20, .name = "site"};
    put_program(*state, "qemu", fake_qemu);
    assert_int_equal(local_admit_nics(&kernel, &any), 1);
    kernel.format = MIR_FORMAT_SOLO5_VIRTIO;
    assert_int_equal(local_admit_nics(&kernel, &any), 0);
    expect(&local, &spec, 0, NULL);
    spec.port_count = 1;
    expect(&local, &spec, MIR_POLICY, "no network");
    kernel.device_count = 2;
    kernel.devices[0] = (struct mir_device){"service0", MIR_DEVICE_NET};
    kernel.devices[1] = (struct mir_device){"service1", MIR_DEVICE_NET};
    assert_int_equal(local_admit_nics(&kernel, &any), 2);
    expect(&local, &spec, 0, NULL);
    kernel.devices[1] = (struct mir_device){"storage", MIR_DEVICE_BLOCK};
    expect(&local, &spec, MIR_POLICY, "'storage'");
    kernel.device_count = LOCAL_NICS_MAX + 1;
    for (unsigned i = 0; i < kernel.device_count; i++)
        kernel.devices[i] = (struct mir_device){"service", MIR_DEVICE_NET};
    expect(&local, &spec, MIR_POLICY, "9 networks");
}

static void sizes_of_memory(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {{"64M", 64 << 20},
                {"64", 64 << 20},
                {"8192k", 8 << 20},
                {"1G", 1 << 30},
                {"4M", 4 << 20},
                {"3M", 0},
                {"", 0},
                {"M", 0},
                {"-64M", 0},
                {"64MB", 0},
                {"6 4M", 0},
                {"99999999999999999G", 0},
                {"lots", 0},
                {"18446744073709551616", 0}};
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        uint64_t bytes = 0;
        struct mir_error err = {0};
        int rc = local_memory_parse(rows[i].text, &bytes, &err);
        if (bytes != rows[i].bytes || (rc == 0) != (rows[i].bytes > 0))
            fail_msg("%s: %llu", rows[i].text, (unsigned long long)bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOCAL_IN_PLACE(qemu_kernels),  LOCAL_IN_PLACE(virtualisation),
        LOCAL_IN_PLACE(qemu_disks),    LOCAL_IN_PLACE(tenders),
        LOCAL_IN_PLACE(solo5_devices), cmocka_unit_test(sizes_of_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
