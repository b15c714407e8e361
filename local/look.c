/* SPDX-License-Identifier: ISC */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "console.h"
#include "ctx.h"
#include "dir.h"
#include "status.h"

/* The machine's present boot differs from the one the keeper lived in. */
static int other_boot(const struct mir_process *keeper)
{
    struct mir_process self;
    return keeper->pid > 0 && !mir_process_of(getpid(), &self, NULL) &&
           strcmp(self.boot_id, keeper->boot_id) != 0;
}

/* The lock says whether anything lives; the status says how far it had come. */
static enum mir_instance_state real_state(const struct local_status *status, int held)
{
    if (status->state == MIR_INSTANCE_ENDED || !held)
        return MIR_INSTANCE_ENDED;
    if (status->state == MIR_INSTANCE_ABSENT)
        return MIR_INSTANCE_STARTING;
    if (!mir_process_alive(&status->keeper))
        return MIR_INSTANCE_STOPPING; /* the kernel is about to end the guest */
    return status->state;
}

static void end_reason(const struct local_status *status, char *ret, size_t size)
{
    const char *reason = "its keeper was killed";
    if (*status->end_reason)
        reason = status->end_reason;
    else if (status->state == MIR_INSTANCE_ABSENT)
        reason = "never started";
    else if (other_boot(&status->keeper))
        reason = "the machine was restarted";
    mir_copy(ret, size, reason);
}

static void add_process(struct mir_instance *instance, const char *which,
                        const struct mir_process *process)
{
    if (process->pid <= 0 || !mir_process_alive(process))
        return;
    struct mir_object *object = &instance->objects[instance->object_count++];
    mir_copy(object->kind, sizeof object->kind, "process");
    snprintf(object->id, sizeof object->id, "%s %d", which, (int)process->pid);
}

/* What there is besides the record: the directory that is being looked at, and who lives. */
static void add_objects(struct mir_instance *instance, const char *token,
                        const struct local_status *status)
{
    struct mir_object *object = &instance->objects[instance->object_count++];
    mir_copy(object->kind, sizeof object->kind, "directory");
    snprintf(object->id, sizeof object->id, "local/%s", token);
    add_process(instance, "keeper", &status->keeper);
    add_process(instance, "guest", &status->guest);
}

void local_look(int dir_fd, const char *token, struct mir_instance *ret)
{
    struct mir_instance instance = {0};
    struct local_status status = {0};
    mir_auto_free struct local_spec *spec = mir_calloc(1, sizeof *spec);
    /* The lock first: a keeper writes its last status before it lets go. */
    int held = local_lock_held(dir_fd);
    mir_copy(instance.id, sizeof instance.id, token);
    if (!local_spec_load(dir_fd, spec, NULL)) {
        instance.tags = spec->tags;
        memcpy(instance.name, spec->name, sizeof instance.name);
        instance.port_count = spec->port_count;
        memcpy(instance.ports, spec->ports, sizeof instance.ports);
    }
    int known = !local_status_load(dir_fd, &status, NULL);
    /* Tags name the instance that they were made for: on another one they are somebody's copy. */
    if (strcmp(instance.tags.deployment, token) != 0) {
        instance.tags = (struct mir_tags){0};
    } else if (known && *status.signature) {
        instance.tags.expires_s = status.expires_s;
        memcpy(instance.tags.signature, status.signature, sizeof instance.tags.signature);
    }
    instance.state = real_state(&status, held);
    instance.started_ms = status.started_ms;
    instance.first_output_ms = status.first_output_ms;
    add_objects(&instance, token, &status);
    if (instance.state == MIR_INSTANCE_ENDED)
        end_reason(&status, instance.end_reason, sizeof instance.end_reason);
    *ret = instance;
}

int local_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    struct mir_error why = {0};
    mir_auto_close int dir_fd = -1;
    if (!local_dir_open(local->root_fd, token, &dir_fd, &why)) {
        local_look(dir_fd, token, ret);
        return 0;
    }
    if (why.kind != MIR_NOT_FOUND) {
        if (err)
            *err = why;
        return -1;
    }
    *ret = (struct mir_instance){.state = MIR_INSTANCE_ABSENT};
    return 0;
}

int local_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    int fd = openat(local->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        return mir_fail_errno(err, saved, "cannot list %s", local->root);
    }
    int stop = 0;
    for (struct dirent *e; !stop && (e = readdir(dir));) {
        mir_auto_close int dir_fd = -1;
        struct mir_instance instance;
        if (!mir_id_valid(e->d_name) || local_dir_open(local->root_fd, e->d_name, &dir_fd, NULL))
            continue;
        local_look(dir_fd, e->d_name, &instance);
        stop = fn(fn_ctx, &instance);
    }
    closedir(dir);
    return 0;
}

int local_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err)
{
    const struct local_ctx *local = ctx;
    mir_auto_close int dir_fd = -1;
    if (local_dir_open(local->root_fd, token, &dir_fd, err))
        return -1;
    return local_console_read(dir_fd, offset, out, ret_next, err);
}
