/* SPDX-License-Identifier: ISC */
/* The table of contents of this provider, and its opening. */
#include "local/provider.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "ctx.h"
#include "dir.h"
#include "firmware.h"

static const struct mir_config_key config_keys[] = {
    {"qemu", "QEMU's program: a name on PATH or a path (qemu-system-x86_64)"},
    {"machine", "machine type: pc or q35 (pc)"},
    {"uefi", "folder of the UEFI firmware OVMF_CODE_4M.fd and OVMF_VARS_4M.fd (/usr/share/OVMF)"},
    {"accelerator", "auto, tcg or kvm; auto takes KVM only after a probe boot has worked (auto)"},
    {"memory", "memory of an instance when the request names none, such as 64M (64M)"},
    {NULL, NULL},
};

int local_memory_parse(const char *text, uint64_t *ret_bytes, struct mir_error *err)
{
    char *end;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = *end == 'G' || *end == 'g' ? 30 : *end == 'K' || *end == 'k' ? 10 : 20;
    if (*end && strchr("KkMmGg", *end))
        end++;
    if (errno || end == text || *end || *text == '-' || n > (UINT64_MAX >> shift) ||
        (n << shift) < LOCAL_MEMORY_MIN) {
        mir_fail(err, MIR_USAGE, "'%.32s' is no size of memory", text);
        return mir_error_hint(err, "write it like 64M or 1G; at least 4M");
    }
    *ret_bytes = n << shift;
    return 0;
}

static int configure(struct local_ctx *local, const struct mir_config *config,
                     enum local_accel_choice *ret_choice, struct mir_error *err)
{
    static const char *const machines[] = {"pc", "q35", NULL};
    static const char *const accelerators[] = {"auto", "tcg", "kvm", NULL};
    const struct mir_config_text rows[] = {{"qemu", local->qemu, sizeof local->qemu},
                                           {"uefi", local->uefi, sizeof local->uefi}};
    const char *memory = mir_config_said(config, "local", "memory");
    int machine, accelerator;
    mir_copy(local->qemu, sizeof local->qemu, "qemu-system-x86_64");
    mir_copy(local->uefi, sizeof local->uefi, LOCAL_FIRMWARE_FOLDER);
    if (mir_config_choice(config, "local", "machine", machines, &machine, err) ||
        mir_config_texts(config, "local", rows, MIR_NELEMS(rows), NULL, err))
        return -1;
    mir_copy(local->machine, sizeof local->machine, machines[machine]);
    if (local_memory_parse(memory ? memory : "64M", &local->default_memory_bytes, err))
        return mir_error_wrap(err, "[local] memory");
    if (mir_config_choice(config, "local", "accelerator", accelerators, &accelerator, err))
        return -1;
    *ret_choice = (enum local_accel_choice)accelerator;
    return 0;
}

static int open_root(struct local_ctx *local, const char *state_dir, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/local", state_dir);
    if (mir_copy(local->root, sizeof local->root, path))
        return mir_fail(err, MIR_USAGE, "the state directory's path is too long");
    if (mir_dir_make(path, 0700, err)) {
        mir_error_hint(err, "make it writable, or set MIRAGE_DEPLOY_STATE to a directory that is");
        return -1;
    }
    local->root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return local->root_fd < 0 ? mir_fail_errno(err, errno, "cannot open %s", path) : 0;
}

static int local_open(const struct mir_provider_env *env, void **ret_ctx, struct mir_error *err)
{
    struct local_ctx *local = mir_calloc(1, sizeof *local);
    enum local_accel_choice choice = LOCAL_ACCEL_AUTO;
    struct local_qemu qemu;
    local->clock = env->clock;
    local->fence = env->fence;
    if (configure(local, env->config, &choice, err) || open_root(local, env->state_dir, err)) {
        free(local);
        return -1;
    }
    local_dir_clean(local->root_fd);
    /* Without QEMU the provider still opens: doctor and admit say what is missing. */
    int found = !local_qemu_find(local->root_fd, local->qemu, &qemu, NULL);
    local_accel_open(&local->accel, choice, local->root_fd, found ? &qemu : NULL);
    *ret_ctx = local;
    return 0;
}

/* Instances go on: they have their keepers. */
static void local_close(void *ctx)
{
    struct local_ctx *local = ctx;
    local_accel_close(&local->accel);
    close(local->root_fd);
    free(local);
}

static const char *const hook_names[] = {"keeper", NULL};

const struct mir_provider mir_provider_local = {
    .name = "local",
    .title = "this machine (QEMU)",
    .paid = false,
    .poll_ms = 1000,
    .lease_min_s = 1, /* the keeper's timer is armed before the guest starts */
    .settle_s = 0,    /* directories are seen at once */
    .config_keys = config_keys,
    .hook_names = hook_names,
    .guest_args = "ip=10.0.2.15/24 gw=10.0.2.2", /* QEMU's user-mode network */
    .guest_host = "10.0.2.2",
    .tells_guests = true,
    .machines = true,
    .offer = local_offer,
    .open = local_open,
    .close = local_close,
    .check = local_check,
    .admit = local_admit,
    .instance_create = local_instance_create,
    .instance_get = local_instance_get,
    .instance_delete = local_instance_delete,
    .instance_console = local_instance_console,
    .hooks_arm = local_hooks_arm,
    .sweep = local_sweep,
};
