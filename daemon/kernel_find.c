/* SPDX-License-Identifier: ISC */
/* A stored kernel with an inspection of today. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "daemon/core.h"
#include "daemon/kernel_store.h"
#include "images/helper.h"
#include "images/table_id.h"

int mird_kernel_known(const struct mird_core *core, const char *sha256, struct mir_kernel *ret,
                      struct mir_error *err)
{
    struct mir_kernel kernel;
    if (mird_store_kernel_get(core->store, sha256, &kernel, err))
        return -1;
    if (!mird_kernel_stored(core->state_dir, &kernel)) {
        mir_fail(err, MIR_NOT_FOUND, "the file of kernel %.64s is not stored here (any more)",
                 sha256);
        return mir_error_hint(err, "upload it again: PUT /v1/kernels/%.64s", sha256);
    }
    *ret = kernel;
    return 0;
}

bool mird_kernel_current(const struct mir_kernel *kernel)
{
    return !strcmp(kernel->table, img_table_id());
}

static int inspect_again(const struct mird_core *core, const char *sha256, struct mir_kernel *ret,
                         struct mir_error *err)
{
    struct mir_kernel kernel;
    mir_auto_free char *path = mird_kernel_path(core->state_dir, sha256);
    mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", path);
    if (img_inspect_fd(core->helper_path, fd, "the stored kernel", 0, &kernel, err))
        return -1;
    if (strcmp(kernel.sha256, sha256) != 0) {
        mir_fail(err, MIR_CORRUPT, "the stored file of kernel %.64s is damaged: it is another now",
                 sha256);
        return mir_error_hint(err, "remove %s and upload it again", path);
    }
    *ret = kernel;
    return 0;
}

int mird_kernel_find(const struct mird_core *core, const char *sha256, int64_t now_s,
                     struct mir_kernel *ret, struct mir_error *err)
{
    struct mir_kernel kernel;
    if (mird_kernel_known(core, sha256, &kernel, err))
        return -1;
    if (!mird_kernel_current(&kernel)) {
        if (inspect_again(core, sha256, &kernel, err))
            return -1;
        /* The answer is right whether it can be kept or not: a standby may not write, a full disk
         * cannot, and then the next one asks again. */
        (void)mird_store_kernel_put(core->store, &kernel, now_s, NULL);
    }
    *ret = kernel;
    return 0;
}
