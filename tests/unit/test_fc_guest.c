/* SPDX-License-Identifier: ISC */
/*
 * Machines behind the fake's instances, without QEMU: what is read from the world, the disks that
 * are made, the command, and the process, which here is a script.
 */
#include "scratch.h"

#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "api/clock.h"
#include "ec2_run.h"
#include "fc_scratch.h"
#include "guest.h"
#include "guest_argv.h"
#include "guest_disk.h"
#include "guests.h"
#include "snapshot_data.h"

#define REGION "us-east-1"
#define VOLUME "vol-0123456789abcdef0"

static const struct fc_cause cause = {"test", "-", 1000};

struct house {
    struct fc_world *world;
    char *dir;
};

static int house_make(void **state)
{
    struct house *house = mir_calloc(1, sizeof *house);
    *state = house;
    return fc_scratch_make(&house->dir, &house->world);
}

static int house_remove(void **state)
{
    struct house *house = *state;
    int rc = fc_scratch_remove(house->dir, house->world);
    free(house);
    return rc;
}

static struct fc_object *add(struct house *house, const char *kind, const char *id, json_t *doc)
{
    assert_non_null(doc);
    return fc_store_add(house->world->store, kind, REGION, id, doc, &cause);
}

/* --- what an instance ought to be --- */

static json_t *instance_doc(const char *type, int code)
{
    return json_pack("{s:s,s:{s:i,s:s},s:s,s:s,s:s,s:s,s:s,s:[{s:s}],s:[]}", "instanceType", type,
                     "instanceState", "code", code, "name", "x", "architecture", "x86_64",
                     "virtualizationType", "hvm", "currentInstanceBootMode", "legacy-bios",
                     "ipAddress", "127.9.8.7", "rootDeviceName", "/dev/xvda", "groupSet", "groupId",
                     "sg-1", "blockDeviceMapping");
}

static void add_device(json_t *doc, const char *name, const char *volume)
{
    json_array_append_new(
        fc_at(doc, "blockDeviceMapping"),
        json_pack("{s:s,s:{s:s}}", "deviceName", name, "ebs", "volumeId", volume));
}

static json_t *rule(const char *protocol, int from, int to, const char *cidr)
{
    json_t *ranges = cidr ? json_pack("[{s:s}]", "cidrIp", cidr) : json_array();
    return json_pack("{s:s,s:i,s:i,s:o}", "ipProtocol", protocol, "fromPort", from, "toPort", to,
                     "ipRanges", ranges);
}

static void add_group(struct house *house, json_t *rules)
{
    add(house, "security-group", "sg-1", json_pack("{s:o}", "ipPermissions", rules));
}

/* The only one there is; its volumes' descriptors are closed. */
static struct fc_guest_want want_of(struct house *house)
{
    struct fc_guest_wants wants;
    fc_guest_wants_read(house->world, &wants);
    assert_int_equal(wants.count, 1);
    struct fc_guest_want want = wants.rows[0];
    fc_guest_wants_clear(&wants);
    return want;
}

static void only_instances_that_are_there_are_wanted(void **state)
{
    struct house *house = *state;
    static const struct {
        int code;
        bool wanted, on;
    } rows[] = {{0, true, false},   {16, true, true},  {32, false, false},
                {48, false, false}, {64, true, false}, {80, true, false}};
    struct fc_object *instance = add(house, "instance", "i-1", instance_doc("t3.micro", 0));
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        struct fc_guest_wants wants;
        json_object_set_new(fc_at(instance->doc, "instanceState"), "code",
                            json_integer(rows[i].code));
        fc_guest_wants_read(house->world, &wants);
        const struct fc_guest_want *want = fc_guest_want_of(&wants, "i-1");
        assert_int_equal(want != NULL, rows[i].wanted);
        if (want)
            assert_int_equal(want->on, rows[i].on);
        assert_null(fc_guest_want_of(&wants, "i-2"));
        fc_guest_wants_clear(&wants);
    }
}

static void a_machine_is_what_its_type_says(void **state)
{
    struct house *house = *state;
    struct fc_object *instance = add(house, "instance", "i-1", instance_doc("t3.micro", 16));
    struct fc_guest_want want = want_of(house);
    assert_true(want.nvme && !want.uefi && !want.why_not);
    assert_int_equal(want.memory_mib, 256);
    assert_string_equal(want.address, "127.9.8.7");
    house->world->settings.guest_mib = 4096;
    json_object_set_new(instance->doc, "instanceType", json_string("t2.nano"));
    json_object_set_new(instance->doc, "currentInstanceBootMode", json_string("uefi"));
    want = want_of(house);
    assert_true(!want.nvme && want.uefi && !want.why_not);
    assert_int_equal(want.memory_mib, 512);
}

static void what_no_x86_machine_can_be_is_said(void **state)
{
    struct house *house = *state;
    struct fc_object *instance = add(house, "instance", "i-1", instance_doc("t4g.nano", 16));
    assert_non_null(want_of(house).why_not);
    json_object_set_new(instance->doc, "instanceType", json_string("m1.small"));
    assert_null(want_of(house).why_not);
    json_object_set_new(instance->doc, "virtualizationType", json_string("paravirtual"));
    assert_non_null(want_of(house).why_not);
}

static void ports_are_those_that_groups_open(void **state)
{
    struct house *house = *state;
    static const uint16_t expected[] = {80, 7000, 7001, 7002};
    add(house, "instance", "i-1", instance_doc("t3.micro", 16));
    add_group(house,
              json_pack("[o,o,o,o,o]", rule("tcp", 80, 80, "0.0.0.0/0"),
                        rule("tcp", 7000, 7002, "10.0.0.0/8"), rule("udp", 53, 53, "0.0.0.0/0"),
                        rule("tcp", 9, 9, NULL), rule("tcp", 80, 80, "1.2.3.4/32")));
    struct fc_guest_want want = want_of(house);
    assert_int_equal(want.port_count, MIR_NELEMS(expected));
    assert_memory_equal(want.ports, expected, sizeof expected);
}

static void of_a_wide_range_the_usual_ports_are_open(void **state)
{
    struct house *house = *state;
    static const uint16_t expected[] = {80, 443, 22, 8080};
    add(house, "instance", "i-1", instance_doc("t3.micro", 16));
    add_group(house, json_pack("[{s:s,s:[{s:s}]}]", "ipProtocol", "-1", "ipRanges", "cidrIp",
                               "0.0.0.0/0"));
    struct fc_guest_want want = want_of(house);
    assert_int_equal(want.port_count, MIR_NELEMS(expected));
    assert_memory_equal(want.ports, expected, sizeof expected);
}

static void addresses_are_ones_own(void **state)
{
    struct house *house = *state;
    char first[16], again[16], other[16];
    fc_guests_address(house->world, 254, first);
    fc_guests_address(house->world, 254, again);
    assert_string_equal(first, again);
    assert_memory_equal(first, "127.", 4);
    for (uint64_t seq = 1; seq < 2000; seq++) {
        fc_guests_address(house->world, seq, other);
        assert_int_equal(strcmp(first, other) == 0, seq == 254);
        assert_non_null(strrchr(other, '.'));
        assert_string_not_equal(strrchr(other, '.'), ".0");
    }
}

/* --- disks --- */

static void add_volume(struct house *house, const char *id, const char *snapshot)
{
    add(house, "volume", id, json_pack("{s:i,s:s}", "size", 1, "snapshotId", snapshot));
}

static void put_block(struct house *house, int64_t index, char filling)
{
    static const unsigned char sum[32] = {1};
    char *block = mir_calloc(1, FC_BLOCK_BYTES);
    memset(block, filling, FC_BLOCK_BYTES);
    assert_int_equal(fc_snapshot_data_put(house->world, "snap-1", index, block, sum, NULL), 0);
    free(block);
}

static char byte_at(struct house *house, off_t at)
{
    char byte = 'x';
    mir_auto_free char *path = mir_format("%s/" FC_GUEST_DISK_DIR "/" VOLUME, house->dir);
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    return byte;
}

static void begin_disk(struct house *house)
{
    json_t *doc = instance_doc("t3.micro", 0);
    assert_int_equal(fc_snapshot_data_begin(house->world, "snap-1", 1, NULL), 0);
    put_block(house, 3, 'a');
    put_block(house, 2047, 'z');
    add_volume(house, VOLUME, "snap-1");
    add_device(doc, "/dev/xvda", VOLUME);
    add(house, "instance", "i-1", doc);
}

static void a_disk_has_the_snapshots_blocks_and_else_holes(void **state)
{
    struct house *house = *state;
    struct fc_guest_wants wants;
    struct stat st;
    begin_disk(house);
    fc_guest_wants_read(house->world, &wants);
    assert_int_equal(wants.rows[0].disk_count, 1);
    fc_snapshot_data_remove(house->world, "snap-1"); /* a volume has no need of it any more */
    assert_int_equal(fc_guest_disk_make(house->world->dir_fd, &wants.rows[0].disks[0], NULL), 0);
    fc_guest_wants_clear(&wants);
    assert_int_equal(fstatat(house->world->dir_fd, FC_GUEST_DISK_DIR "/" VOLUME, &st, 0), 0);
    assert_int_equal(st.st_size, 1 << 30);
    assert_true(st.st_blocks * 512 >= 2 * FC_BLOCK_BYTES && st.st_blocks * 512 < 16 << 20);
    assert_int_equal(byte_at(house, 3 * FC_BLOCK_BYTES - 1), 0);
    assert_int_equal(byte_at(house, 3 * FC_BLOCK_BYTES), 'a');
    assert_int_equal(byte_at(house, 4 * FC_BLOCK_BYTES - 1), 'a');
    assert_int_equal(byte_at(house, 4 * FC_BLOCK_BYTES), 0);
    assert_int_equal(byte_at(house, (1 << 30) - 1), 'z');
}

static void a_disk_is_made_once_and_goes_with_its_volume(void **state)
{
    struct house *house = *state;
    int dir_fd = house->world->dir_fd;
    struct fc_guest_wants wants;
    begin_disk(house);
    fc_guest_wants_read(house->world, &wants);
    assert_int_equal(fc_guest_disk_make(dir_fd, &wants.rows[0].disks[0], NULL), 0);
    fc_guest_wants_clear(&wants);
    put_block(house, 3, 'b'); /* what the guest has by now is its own */
    fc_guest_wants_read(house->world, &wants);
    assert_int_equal(wants.rows[0].disks[0].snapshot_fd, -1);
    assert_int_equal(fc_guest_disk_make(dir_fd, &wants.rows[0].disks[0], NULL), 0);
    assert_int_equal(byte_at(house, 3 * FC_BLOCK_BYTES), 'a');
    fc_guest_disks_sweep(dir_fd, &wants);
    assert_true(fc_guest_disk_exists(dir_fd, VOLUME));
    fc_guest_wants_clear(&wants);
    fc_store_gone(house->world->store, fc_store_get(house->world->store, "volume", REGION, VOLUME),
                  &cause, 0);
    fc_guest_wants_read(house->world, &wants);
    fc_guest_disks_sweep(dir_fd, &wants);
    fc_guest_wants_clear(&wants);
    assert_false(fc_guest_disk_exists(dir_fd, VOLUME));
}

static void the_root_goes_first(void **state)
{
    struct house *house = *state;
    json_t *doc = instance_doc("t3.micro", 80);
    add_volume(house, "vol-2", "");
    add_volume(house, VOLUME, "");
    add_device(doc, "/dev/sdb", "vol-2");
    add_device(doc, "/dev/xvda", VOLUME);
    add(house, "instance", "i-1", doc);
    struct fc_guest_want want = want_of(house);
    assert_int_equal(want.disk_count, 2);
    assert_string_equal(want.disks[0].volume, VOLUME);
    assert_string_equal(want.disks[1].volume, "vol-2");
}

/* --- the command --- */

static bool has(const struct fc_guest_argv *argv, const char *option, const char *value)
{
    for (size_t i = 0; i + 1 < argv->count; i++)
        if (!strcmp(argv->words[i], option) && strstr(argv->words[i + 1], value))
            return true;
    return false;
}

static struct fc_guest_want simple_want(void)
{
    return (struct fc_guest_want){.instance = "i-1",
                                  .region = REGION,
                                  .on = true,
                                  .nvme = true,
                                  .memory_mib = 300,
                                  .now_s = 1796000000,
                                  .disks = {{.volume = VOLUME, .gib = 1, .snapshot_fd = -1}},
                                  .disk_count = 1};
}

static void the_command_follows_the_type(void **state)
{
    struct fc_guest_argv argv;
    struct fc_guest_want want = simple_want();
    fc_guest_argv_build(&want, "/bin/qemu", &argv);
    assert_string_equal(argv.words[0], "/bin/qemu");
    assert_null(argv.words[argv.count]);
    assert_true(has(&argv, "-device", "nvme,drive=disk0,bootindex=0,serial=vol0123456789abcdef0"));
    assert_true(has(&argv, "-m", "300M") && has(&argv, "-rtc", "base=2026-11-30T0"));
    assert_true(has(&argv, "-drive", "file=" FC_GUEST_DISK_DIR "/" VOLUME));
    assert_false(has(&argv, "-drive", "pflash"));
    assert_false(has(&argv, "-netdev", "hostfwd"));
    fc_guest_argv_clear(&argv);
    want.nvme = false;
    want.uefi = true;
    fc_guest_argv_build(&want, "/bin/qemu", &argv);
    assert_true(has(&argv, "-device", "ide-hd,drive=disk0"));
    assert_true(has(&argv, "-drive", "readonly=on,file=" FC_GUEST_UEFI_CODE));
    assert_true(has(&argv, "-drive", "unit=1,format=raw,file=" FC_GUEST_DIR "/i-1/vars"));
    fc_guest_argv_clear(&argv);
}

/* --- the process --- */

/* A script in the place of QEMU. */
static char *script(struct house *house, const char *text)
{
    mir_auto_free char *whole = mir_format("#!/bin/sh\n%s\n", text);
    assert_int_equal(
        mir_file_write_at(house->world->dir_fd, "qemu.sh", whole, strlen(whole), 0700, NULL), 0);
    return mir_format("%s/qemu.sh", house->dir);
}

static struct fc_guest *start(struct house *house, const struct fc_guest_want *want,
                              const char *text)
{
    mir_auto_free char *program = script(house, text);
    struct fc_guest *guest = fc_guest_new(want);
    assert_int_equal(fc_guest_start(guest, house->world->dir_fd, program, want, NULL), 0);
    return guest;
}

/* Until its end; its exit status. */
static int read_all(struct fc_guest *guest)
{
    fcntl(guest->console_fd, F_SETFL, 0);
    while (fc_guest_read(guest))
        continue;
    return fc_guest_ended(guest);
}

static void what_it_says_is_text(void **state)
{
    struct house *house = *state;
    struct fc_guest_want want = simple_want();
    struct fc_guest *guest = start(house, &want, "printf 'h\\303\\251\\000\\r\\n'; exit 3");
    int status = read_all(guest);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    assert_string_equal(mir_buf_text(&guest->console), "h???\r\n");
    fc_guest_free(guest);
}

static void the_newest_of_a_long_console_is_kept(void **state)
{
    struct house *house = *state;
    struct fc_guest_want want = simple_want();
    struct fc_guest *guest =
        start(house, &want, "dd if=/dev/zero bs=1000 count=100 2>&-; echo the end");
    assert_int_equal(read_all(guest), 0);
    assert_int_equal(guest->console.len, 64 << 10);
    assert_string_equal(mir_buf_text(&guest->console) + guest->console.len - 8, "the end\n");
    fc_guest_free(guest);
}

static void ports_open_move_and_close(void **state)
{
    struct house *house = *state;
    struct fc_guest_want want = simple_want();
    struct fc_guest *guest = start(
        house, &want,
        "while read -r line <&3; do echo \"$line\" | sed 's/.*line\": *\"//; s/\".*//'; done");
    static const char expected[] = "hostfwd_add net0 tcp:127.1.2.3:80-:80\n"
                                   "hostfwd_add net0 tcp:127.1.2.3:81-:81\n"
                                   "hostfwd_remove net0 tcp:127.1.2.3:81\n"
                                   "hostfwd_remove net0 tcp:127.1.2.3:80\n"
                                   "hostfwd_add net0 tcp:127.4.5.6:80-:80\n";
    mir_copy(want.address, sizeof want.address, "127.1.2.3");
    want.ports[0] = 80;
    want.ports[1] = 81;
    want.port_count = 2;
    fc_guest_forward(guest, &want);
    fc_guest_forward(guest, &want); /* nothing has changed: nothing is said */
    want.port_count = 1;
    fc_guest_forward(guest, &want);
    mir_copy(want.address, sizeof want.address, "127.4.5.6");
    fc_guest_forward(guest, &want);
    close(guest->qmp_fd);
    guest->qmp_fd = -1;
    read_all(guest);
    assert_non_null(strchr(mir_buf_text(&guest->console), '\n'));
    assert_string_equal(strchr(mir_buf_text(&guest->console), '\n') + 1, expected);
    fc_guest_free(guest);
}

static void its_power_can_be_cut(void **state)
{
    struct house *house = *state;
    struct fc_guest_want want = simple_want();
    struct fc_guest *guest = start(house, &want, "echo up; exec sleep 600");
    pid_t pid = guest->pid;
    fcntl(guest->console_fd, F_SETFL, 0);
    assert_true(fc_guest_read(guest));
    assert_int_equal(kill(pid, 0), 0);
    fc_guest_cut(guest);
    assert_int_equal(kill(pid, 0), -1);
    assert_false(fc_guest_read(guest));
    fc_guest_free(guest);
}

static void a_program_that_is_none_fails(void **state)
{
    struct house *house = *state;
    struct fc_guest_want want = simple_want();
    struct fc_guest *guest = fc_guest_new(&want);
    assert_int_equal(fc_guest_start(guest, house->world->dir_fd, "/nonexistent", &want, NULL), 0);
    int status = read_all(guest);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
    fc_guest_free(guest);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, house_make, house_remove)
    const struct CMUnitTest tests[] = {
        CASE(only_instances_that_are_there_are_wanted),
        CASE(a_machine_is_what_its_type_says),
        CASE(what_no_x86_machine_can_be_is_said),
        CASE(ports_are_those_that_groups_open),
        CASE(of_a_wide_range_the_usual_ports_are_open),
        CASE(addresses_are_ones_own),
        CASE(a_disk_has_the_snapshots_blocks_and_else_holes),
        CASE(a_disk_is_made_once_and_goes_with_its_volume),
        CASE(the_root_goes_first),
        CASE(the_command_follows_the_type),
        CASE(what_it_says_is_text),
        CASE(the_newest_of_a_long_console_is_kept),
        CASE(ports_open_move_and_close),
        CASE(its_power_can_be_cut),
        CASE(a_program_that_is_none_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
