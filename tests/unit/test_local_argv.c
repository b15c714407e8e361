/* SPDX-License-Identifier: ISC */
#include "argv.h"

#include "local_help.h"

/* All words on one line, so that order and neighbours are visible. */
static char *joined(const struct local_spec *spec)
{
    struct local_argv argv;
    struct mir_buf text;
    local_argv_build(spec, &argv);
    mir_buf_init(&text, 65536);
    for (size_t i = 0; i < argv.count; i++)
        mir_buf_addf(&text, "%s%s", i ? " " : "", argv.words[i]);
    assert_null(argv.words[argv.count]);
    local_argv_clear(&argv);
    return mir_buf_take(&text);
}

static char *conf(const struct local_spec *spec)
{
    struct mir_buf text;
    mir_buf_init(&text, 8192);
    local_qemu_conf(spec, &text);
    return mir_buf_take(&text);
}

static void kernel_under_qemu(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    char *words = joined(&spec), *text = conf(&spec);
    assert_string_equal(
        words,
        "/usr/bin/qemu-system-x86_64 -name mirage-site"
        " -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"
        " -readconfig qemu.conf -nodefaults -no-user-config -display none -no-reboot"
        " -chardev stdio,id=console,signal=off -serial chardev:console"
        " -chardev socket,id=qmp,fd=3 -mon chardev=qmp,mode=control -device isa-debug-exit -m 65M"
        " -netdev user,id=net0,restrict=off,hostfwd=tcp:127.0.0.1:8080-:80"
        ",hostfwd=tcp:0.0.0.0:8443-:443 -device virtio-net-pci,netdev=net0,romfile=");
    assert_string_equal(text, "[machine]\n  type = \"pc\"\n  accel = \"tcg\"\n"
                              "  kernel = \"kernel\"\n  append = \"name=site token=secret\"\n");
    free(words);
    free(text);
}

/* Whatever QEMU's configuration syntax cannot hold is passed openly; it must not be cut or break
 * out of its quotes. */
static void arguments_that_do_not_fit_the_file(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    mir_copy(spec.arguments, sizeof spec.arguments, "say=\"a\" b");
    char *words = joined(&spec), *text = conf(&spec);
    assert_non_null(strstr(words, " -append say=\"a\" b"));
    assert_null(strstr(text, "append"));
    free(words);
    free(text);
    memset(spec.arguments, 'x', 1500);
    spec.arguments[1500] = '\0';
    words = joined(&spec);
    text = conf(&spec);
    assert_non_null(strstr(words, spec.arguments));
    assert_null(strstr(text, "append"));
    free(words);
    free(text);
    /* The longest that fits keeps within QEMU's line of 1023 bytes. */
    for (size_t len = 990; len < 1024; len++) {
        memset(spec.arguments, 'y', len);
        spec.arguments[len] = '\0';
        text = conf(&spec);
        for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
            assert_true(strcspn(line, "\n") < 1023);
        free(text);
    }
}

static void no_arguments_no_append(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    spec.arguments[0] = '\0';
    spec.port_count = 0;
    spec.sandbox = false;
    char *words = joined(&spec), *text = conf(&spec);
    assert_null(strstr(words, "append"));
    assert_null(strstr(words, "-sandbox"));
    assert_null(strstr(words, "hostfwd"));
    assert_null(strstr(text, "append"));
    free(words);
    free(text);
}

/* Ports are the first card's; no card, no network. */
static void several_cards_and_none(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    spec.nic_count = 2;
    char *words = joined(&spec);
    assert_non_null(strstr(words, "-netdev user,id=net1,restrict=off -device "
                                  "virtio-net-pci,netdev=net1,romfile="));
    free(words);
    spec.nic_count = 0;
    words = joined(&spec);
    assert_null(strstr(words, "net"));
    free(words);
}

static void disk_under_qemu(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    spec.how = LOCAL_HOW_QEMU_DISK;
    mir_copy(spec.disk_format, sizeof spec.disk_format, "qcow2");
    char *words = joined(&spec), *text = conf(&spec);
    assert_non_null(strstr(words, " -drive file=kernel,if=none,id=disk0,snapshot=on,format=qcow2"
                                  " -device ide-hd,drive=disk0,bootindex=0"));
    assert_null(strstr(words, "pflash"));
    assert_null(strstr(words, "append"));
    assert_null(strstr(text, "kernel"));
    free(words);
    free(text);
}

/* Each choice is a device of its own, and UEFI two flash chips. */
static void chosen_machines(void **state)
{
    (void)state;
    static const struct {
        struct mir_machine machine;
        const char *words;
    } rows[] = {
        {{.disk = MIR_BUS_VIRTIO}, " -device virtio-blk-pci,drive=disk0,bootindex=0"},
        {{.disk = MIR_BUS_NVME}, " -device nvme,serial=disk0,drive=disk0,bootindex=0"},
        {{.disk = MIR_BUS_SCSI},
         " -device virtio-scsi-pci,id=scsi0 -drive file=kernel,if=none,id=disk0,snapshot=on,"
         "format=raw -device scsi-hd,bus=scsi0.0,drive=disk0,bootindex=0"},
        {{.nic = MIR_CARD_E1000}, " -device e1000,netdev=net0,romfile="},
        {{.nic = MIR_CARD_E1000E}, " -device e1000e,netdev=net0,romfile="},
        {{.firmware = MIR_FIRMWARE_UEFI},
         " -drive if=pflash,unit=0,format=raw,readonly=on,file=firmware"
         " -drive if=pflash,unit=1,format=raw,file=firmware-vars"},
    };
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct local_spec spec = local_some_spec();
        spec.how = LOCAL_HOW_QEMU_DISK;
        spec.hardware = rows[i].machine;
        mir_copy(spec.disk_format, sizeof spec.disk_format, "raw");
        char *words = joined(&spec);
        if (!strstr(words, rows[i].words))
            fail_msg("no '%s' in %s", rows[i].words, words);
        free(words);
    }
}

static void kernel_under_a_tender(void **state)
{
    (void)state;
    struct local_spec spec = local_some_spec();
    spec.how = LOCAL_HOW_SOLO5_SPT;
    mir_copy(spec.program, sizeof spec.program, "/opt/solo5-spt");
    mir_copy(spec.arguments, sizeof spec.arguments, "  --a=1   b  ");
    char *words = joined(&spec);
    assert_string_equal(words, "/opt/solo5-spt --mem=65 -- kernel --a=1 b");
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_under_qemu),
        cmocka_unit_test(arguments_that_do_not_fit_the_file),
        cmocka_unit_test(no_arguments_no_append),
        cmocka_unit_test(several_cards_and_none),
        cmocka_unit_test(disk_under_qemu),
        cmocka_unit_test(chosen_machines),
        cmocka_unit_test(kernel_under_a_tender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
