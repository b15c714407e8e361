/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "api/process.h"
#include "ctx.h"
#include "firmware.h"
#include "port.h"

#define SPACE_WARN ((uint64_t)256 << 20)
#define SPACE_FAIL ((uint64_t)16 << 20)

/* Each fills one line; its name is set by the table. */
typedef void line_fn(struct local_ctx *local, struct mir_check *check);

static void say(struct mir_check *check, enum mir_check_level level, const char *detail,
                const char *fix)
{
    check->level = level;
    mir_copy(check->detail, sizeof check->detail, detail);
    mir_copy(check->fix, sizeof check->fix, fix);
}

static void check_qemu(struct local_ctx *local, struct mir_check *check)
{
    struct local_qemu qemu;
    struct mir_error err = {0};
    if (local_qemu_find(local->root_fd, local->qemu, &qemu, &err)) {
        say(check, MIR_CHECK_FAIL, err.text, err.hint);
        return;
    }
    mir_auto_free char *detail =
        mir_format("%s, version %s, machine %s, %s", qemu.path, qemu.version, local->machine,
                   qemu.sandbox ? "shut in by its sandbox" : "no sandbox");
    say(check, qemu.sandbox ? MIR_CHECK_PASS : MIR_CHECK_WARN, detail,
        qemu.sandbox ? "" : "use a QEMU that was built with seccomp, as Debian's is");
}

/* Only for disks that start by UEFI. */
static void check_uefi(struct local_ctx *local, struct mir_check *check)
{
    struct local_firmware firmware;
    struct mir_error err = {0};
    if (local_firmware_find(local->uefi, &firmware, &err))
        say(check, MIR_CHECK_WARN, err.text, err.hint);
    else
        say(check, MIR_CHECK_PASS, firmware.code, "");
}

static void check_keeper(struct local_ctx *local, struct mir_check *check)
{
    (void)local;
    struct mir_error err = {0};
    mir_auto_free char *program = mir_program_path("mirage-keeper", &err);
    if (program)
        say(check, MIR_CHECK_PASS, program, "");
    else
        say(check, MIR_CHECK_FAIL, err.text, err.hint);
}

/* A probe boot under the emulator everybody has: does QEMU run guests at all here? */
static void check_boot(struct local_ctx *local, struct mir_check *check)
{
    struct local_qemu qemu;
    char why[160];
    if (local_qemu_find(local->root_fd, local->qemu, &qemu, NULL))
        say(check, MIR_CHECK_FAIL, "no QEMU to boot with", "apt-get install qemu-system-x86");
    else if (local_accel_probe(local->root_fd, &qemu, "tcg", -1, why) == 1)
        say(check, MIR_CHECK_PASS, why, "");
    else
        say(check, MIR_CHECK_FAIL, why, "apt-get install --reinstall qemu-system-x86 seabios");
}

static void check_accelerator(struct local_ctx *local, struct mir_check *check)
{
    char why[160];
    const char *name = local_accel_wait(&local->accel, why);
    mir_auto_free char *detail = mir_format("%s: %s", name, why);
    if (!strcmp(name, "kvm") || local->accel.choice == LOCAL_ACCEL_TCG)
        say(check, MIR_CHECK_PASS, detail, "");
    else if (access("/dev/kvm", F_OK) || !access("/dev/kvm", R_OK | W_OK))
        say(check, MIR_CHECK_WARN, detail, "none needed: guests run, only slower");
    else
        say(check, MIR_CHECK_WARN, detail,
            "join the group kvm: adduser USER kvm, then log in anew");
}

static void check_state(struct local_ctx *local, struct mir_check *check)
{
    struct statvfs fs;
    if (faccessat(local->root_fd, ".", W_OK | X_OK, AT_EACCESS) || fstatvfs(local->root_fd, &fs)) {
        mir_auto_free char *detail = mir_format("%s: %s", local->root, strerror(errno));
        say(check, MIR_CHECK_FAIL, detail, "make it writable, or set MIRAGE_DEPLOY_STATE");
        return;
    }
    uint64_t space = (uint64_t)fs.f_bavail * fs.f_frsize;
    mir_auto_free char *detail =
        mir_format("%s, %llu MiB free", local->root, (unsigned long long)(space >> 20));
    if (space < SPACE_FAIL)
        say(check, MIR_CHECK_FAIL, detail, "free some space on that file system");
    else if (space < SPACE_WARN)
        say(check, MIR_CHECK_WARN, detail,
            "free some space: consoles and disks of guests go there");
    else
        say(check, MIR_CHECK_PASS, detail, "");
}

static void check_port(struct local_ctx *local, struct mir_check *check)
{
    (void)local;
    struct mir_port port = {.guest_port = 80};
    struct mir_error err = {0};
    if (local_ports_choose(&port, 1, &port, NULL, &err))
        say(check, MIR_CHECK_FAIL, err.text, *err.hint ? err.hint : "allow listening on 127.0.0.1");
    else
        say(check, MIR_CHECK_PASS, "ports can be published on 127.0.0.1", "");
}

static void check_tenders(struct local_ctx *local, struct mir_check *check)
{
    (void)local;
    mir_auto_free char *spt = mir_program_search("solo5-spt", NULL);
    mir_auto_free char *hvt = mir_program_search("solo5-hvt", NULL);
    mir_auto_free char *detail =
        mir_format("solo5-spt: %s, solo5-hvt: %s", spt ? spt : "none", hvt ? hvt : "none");
    say(check, spt ? MIR_CHECK_PASS : MIR_CHECK_WARN, detail,
        spt ? "" : "only for spt and hvt kernels: build Solo5 and put its tenders on PATH");
}

static const struct {
    const char *name;
    line_fn *fill;
} lines[] = {
    {"QEMU", check_qemu},
    {"UEFI firmware", check_uefi},
    {"keeper", check_keeper},
    {"probe boot", check_boot},
    {"accelerator", check_accelerator},
    {"state directory", check_state},
    {"ports", check_port},
    {"Solo5 tenders", check_tenders},
};

void local_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count)
{
    size_t count = 0;
    for (size_t i = 0; i < MIR_NELEMS(lines) && count < max; i++) {
        struct mir_check check = {0};
        mir_copy(check.name, sizeof check.name, lines[i].name);
        lines[i].fill(ctx, &check);
        checks[count++] = check;
    }
    *ret_count = count;
}
