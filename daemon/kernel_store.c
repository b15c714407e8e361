/* SPDX-License-Identifier: ISC */
#include "daemon/kernel_store.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "images/helper.h"

char *mird_kernel_path(const char *state_dir, const char *sha256)
{
    return mird_depot_path(&mird_depot_kernels, state_dir, sha256);
}

int mird_kernel_stored(const char *state_dir, const struct mir_kernel *kernel)
{
    mir_auto_free char *path = mird_kernel_path(state_dir, kernel->sha256);
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size == kernel->bytes;
}

int mird_kernel_remove(const char *state_dir, const char *sha256, struct mir_error *err)
{
    mir_auto_free char *path = mird_kernel_path(state_dir, sha256);
    mir_auto_free char *unpacked = mir_format("%s.raw", path);
    if ((unlink(path) && errno != ENOENT) || (unlink(unpacked) && errno != ENOENT))
        return mir_fail_errno(err, errno, "cannot remove %s", path);
    return 0;
}

int mird_kernel_finish(struct mird_upload *upload, const char *sha256, const char *helper_path,
                       struct mir_kernel *ret, struct mir_error *err)
{
    struct mir_kernel kernel;
    if (mird_upload_check(upload, err) ||
        img_inspect_fd(helper_path, mird_upload_fd(upload), "the kernel", 0, &kernel, err))
        return -1;
    if (strcmp(kernel.sha256, sha256) != 0 || kernel.bytes != mird_upload_bytes(upload))
        return mir_fail(err, MIR_INTERNAL, "the inspection is of another file");
    if (mird_upload_publish(upload, err))
        return -1;
    *ret = kernel;
    return 0;
}
