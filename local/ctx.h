/* SPDX-License-Identifier: ISC */
/*
 * The open provider and the functions of its table, by the file that holds them. Contracts are
 * those of api/provider.h.
 */
#ifndef LOCAL_CTX_H
#define LOCAL_CTX_H

#include "accel.h"
#include "api/provider.h"
#include "spec.h"

#define LOCAL_READY_MS 5000 /* for the guest to run, from the keeper's start */
#define LOCAL_CTL_MS 2000   /* for a keeper's answer */

struct local_ctx {
    const struct mir_clock *clock;
    const struct mir_fence *fence; /* NULL: none */
    int root_fd;                   /* <state>/local */
    char root[PATH_MAX];           /* the same, for messages */
    char machine[16];              /* "pc" or "q35" */
    char qemu[PATH_MAX];           /* as configured: a name or a path */
    char uefi[PATH_MAX];           /* the folder of the UEFI firmware, as configured */
    uint64_t default_memory_bytes;
    struct local_accel accel;
};

/* provider.c */
#define LOCAL_MEMORY_MIN ((uint64_t)4 << 20)
int local_memory_parse(const char *text, uint64_t *ret_bytes, struct mir_error *err);

/* admit.c */
int local_admit(void *ctx, const struct mir_instance_spec *spec, struct mir_error *err);
/* The way this kernel is started here; MIR_POLICY with the reason when there is none. */
int local_admit_how(const struct mir_kernel *kernel, enum local_how *ret, struct mir_error *err);

/* Does the machine that it is started on have to make virtual machines? */
bool local_admit_virtualises(const struct mir_kernel *kernel);
/* How many network cards it gets: Solo5 on virtio aborts on one that its manifest does not name. */
unsigned local_admit_nics(const struct mir_kernel *kernel, const struct mir_machine *machine);

/* The devices that it can have. */
const struct mir_offer *local_offer(const struct mir_kernel *kernel);

/* create.c */
int local_instance_create(void *ctx, const struct mir_instance_spec *spec, struct mir_instance *ret,
                          struct mir_error *err);

/* look.c */
int local_instance_get(void *ctx, const char *token, struct mir_instance *ret,
                       struct mir_error *err);
int local_sweep(void *ctx, mir_instance_fn *fn, void *fn_ctx, struct mir_error *err);
int local_instance_console(void *ctx, const char *token, uint64_t offset, struct mir_buf *out,
                           uint64_t *ret_next, struct mir_error *err);
/* Of an open instance directory; the state as it really is. */
void local_look(int dir_fd, const char *token, struct mir_instance *ret);

/* remove.c */
int local_instance_delete(void *ctx, const char *token, struct mir_error *err);

/* hooks.c */
int local_hooks_arm(void *ctx, const struct mir_lease *lease, struct mir_hook *hooks, size_t max,
                    size_t *ret_count, struct mir_error *err);

/* check.c */
void local_check(void *ctx, struct mir_check *checks, size_t max, size_t *ret_count);

#endif
