/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/memory.h"
#include "api/process.h"
#include "ctx.h"
#include "dir.h"
#include "disk.h"
#include "firmware.h"
#include "port.h"
#include "start.h"
#include "status.h"

#define PORT_TRIES 3 /* a port found free can be taken before QEMU binds it */

struct creation {
    struct local_ctx *local;
    const struct mir_instance_spec *asked;
    const char *token;
    struct local_spec *spec; /* owned */
    int ports_chosen;        /* at least one was ours to choose: another may be tried */
    int dir_fd, lock_fd;     /* owned */
};

static int fill_program(struct creation *c, struct mir_error *err)
{
    struct local_spec *spec = c->spec;
    if (spec->how == LOCAL_HOW_SOLO5_SPT || spec->how == LOCAL_HOW_SOLO5_HVT) {
        mir_auto_free char *tender = mir_program_search(local_how_name(spec->how), err);
        return tender ? mir_copy(spec->program, sizeof spec->program, tender) : -1;
    }
    struct local_qemu qemu;
    char why[160];
    if (local_qemu_find(c->local->root_fd, c->local->qemu, &qemu, err))
        return -1;
    memcpy(spec->program, qemu.path, sizeof spec->program);
    spec->sandbox = qemu.sandbox;
    mir_copy(spec->machine, sizeof spec->machine, c->local->machine);
    mir_copy(spec->accelerator, sizeof spec->accelerator,
             local_admit_virtualises(c->asked->kernel) ? "tcg"
                                                       : local_accel_now(&c->local->accel, why));
    return 0;
}

static uint64_t memory_for(const struct creation *c)
{
    uint64_t bytes = c->asked->memory_bytes;
    uint64_t least = mir_machine_memory(&c->spec->hardware, c->asked->kernel);
    if (bytes == 0)
        bytes = c->local->default_memory_bytes > least ? c->local->default_memory_bytes : least;
    return bytes;
}

static int fill_spec(struct creation *c, struct mir_error *err)
{
    const struct mir_instance_spec *asked = c->asked;
    const struct mir_kernel *kernel = asked->kernel;
    struct local_spec *spec = c->spec;
    mir_auto_free char *path = realpath(asked->kernel_path, NULL);
    if (!path || access(path, R_OK))
        return mir_fail_errno(err, errno, "cannot read the kernel file %s", asked->kernel_path);
    if (mir_copy(spec->kernel, sizeof spec->kernel, path) ||
        mir_copy(spec->arguments, sizeof spec->arguments, asked->arguments) ||
        mir_copy(spec->name, sizeof spec->name, asked->name) || !mir_name_valid(spec->name))
        return mir_fail(err, MIR_USAGE, "the name, path or arguments of '%.70s' do not fit",
                        asked->name);
    if (local_admit_how(kernel, &spec->how, err) || fill_program(c, err) ||
        mir_machine_choose(&asked->machine, kernel, local_how_name(spec->how), &spec->hardware,
                           err))
        return -1;
    if (spec->how == LOCAL_HOW_QEMU_DISK &&
        local_disk_admit(path, kernel->format, spec->disk_format, err))
        return -1;
    spec->tags = asked->tags;
    spec->deadline_s = asked->lease->deadline_s;
    spec->memory_bytes = memory_for(c);
    spec->nic_count = local_admit_nics(kernel, &spec->hardware);
    spec->solo5_exit = kernel->format == MIR_FORMAT_SOLO5_VIRTIO;
    spec->tell_deadline = (kernel->takes_part & MIR_PART_CONSOLE_DEADLINE) != 0;
    return 0;
}

/* The directory of this token with its lock file open; made when it is not there yet. */
static int open_place(struct creation *c, struct mir_error *err)
{
    if (mkdirat(c->local->root_fd, c->token, 0700) && errno != EEXIST)
        return mir_fail_errno(err, errno, "cannot make %s/%s", c->local->root, c->token);
    if (local_dir_open(c->local->root_fd, c->token, &c->dir_fd, err) ||
        local_lock_open(c->dir_fd, &c->lock_fd, err))
        return -1;
    return 0;
}

/* Did a keeper of this place see its guest fail to start, and its maker die before it could take
 * the place away? */
static bool start_failed(int dir_fd)
{
    struct local_status status = {0};
    return !local_status_load(dir_fd, &status, NULL) && status.state == MIR_INSTANCE_ENDED &&
           !status.started_ms;
}

/* Is there one already? 1 with *ret: it lives, or it lived once. A directory in which no guest ever
 * ran is not one: nobody holds its lock, so going on with it cannot start a second guest. */
static int find_first(struct creation *c, struct mir_instance *ret)
{
    if (!local_lock_try(c->lock_fd)) {
        local_dir_wait_file(c->dir_fd, LOCAL_STATUS_FILE, LOCAL_READY_MS);
        local_look(c->dir_fd, c->token, ret);
        return 1;
    }
    if (!local_dir_has(c->dir_fd, LOCAL_STATUS_FILE))
        return 0;
    if (start_failed(c->dir_fd) && !unlinkat(c->dir_fd, LOCAL_STATUS_FILE, 0))
        return 0;
    close(mir_steal_fd(&c->lock_fd));
    local_look(c->dir_fd, c->token, ret);
    return 1;
}

static int write_place(struct creation *c, struct mir_error *err)
{
    c->spec->port_count = c->asked->port_count;
    if (local_ports_choose(c->asked->ports, c->asked->port_count, c->spec->ports, &c->ports_chosen,
                           err))
        return -1;
    if (mir_fault_before("local.spec", err) || local_spec_save(c->dir_fd, c->spec, err) ||
        mir_fault_after("local.spec", err))
        return -1;
    unlinkat(c->dir_fd, LOCAL_KERNEL_FILE, 0);
    if (symlinkat(c->spec->kernel, c->dir_fd, LOCAL_KERNEL_FILE))
        return mir_fail_errno(err, errno, "cannot link the kernel");
    struct local_firmware firmware;
    if (c->spec->hardware.firmware != MIR_FIRMWARE_UEFI)
        return 0;
    return local_firmware_find(c->local->uefi, &firmware, err) ||
                   local_firmware_place(&firmware, c->dir_fd, err)
               ? -1
               : 0;
}

/* Nothing of a failed start stays. The lock is let go first and taken anew, since the keeper may
 * share it for a moment still. */
static void discard_place(struct creation *c)
{
    if (c->lock_fd >= 0)
        close(mir_steal_fd(&c->lock_fd));
    if (c->dir_fd < 0 || local_lock_open(c->dir_fd, &c->lock_fd, NULL))
        return;
    if (!local_lock_wait(c->dir_fd, c->lock_fd, LOCAL_CTL_MS, NULL))
        local_dir_discard(c->local->root_fd, c->token, NULL);
}

static void close_place(struct creation *c)
{
    if (c->lock_fd >= 0)
        close(c->lock_fd);
    if (c->dir_fd >= 0)
        close(c->dir_fd);
    c->lock_fd = c->dir_fd = -1;
}

static int start_in_place(struct creation *c, struct mir_instance *ret, struct mir_error *err)
{
    if (open_place(c, err))
        return -1;
    if (find_first(c, ret))
        return 0;
    if (!local_lock_current(c->dir_fd, c->lock_fd))
        return mir_fail(err, MIR_CONFLICT, "instance %s was deleted while it was made", c->token);
    int rc = write_place(c, err);
    /* The fence once more, with the instance's lock in hand: nobody else can start or delete it
     * now. Who has taken over finds the place as it is, and no guest. */
    if (!rc && mir_fence_check(c->local->fence, err))
        return -1;
    if (rc ||
        local_spawn_keeper(
            c->dir_fd, c->lock_fd, c->token,
            mir_prov_create_limit_ms(c->asked->lease, c->local->clock, LOCAL_READY_MS), err)) {
        /* With an unknown outcome the place stays: it is what a later look goes by. */
        if (err->outcome != MIR_OUTCOME_UNKNOWN)
            discard_place(c);
        return -1;
    }
    close(mir_steal_fd(&c->lock_fd));
    local_look(c->dir_fd, c->token, ret);
    return 0;
}

int local_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err)
{
    struct creation c = {
        .local = ctx, .asked = spec, .token = spec->lease->id, .dir_fd = -1, .lock_fd = -1};
    struct mir_error why = {0};
    mir_auto_free struct local_spec *described = mir_calloc(1, sizeof *described);
    c.spec = described;
    int rc = local_admit(ctx, spec, &why);
    if (!rc)
        rc = fill_spec(&c, &why);
    for (int i = 0; !rc && i < PORT_TRIES; i++) {
        why = (struct mir_error){0};
        int failed = start_in_place(&c, ret, &why);
        close_place(&c);
        if (!failed)
            return 0;
        if (why.kind != MIR_CONFLICT || !c.ports_chosen)
            break;
    }
    if (err)
        *err = why;
    return -1;
}
