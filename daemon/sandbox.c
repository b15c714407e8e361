/* SPDX-License-Identifier: ISC */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "images/helper.h"

static int unpack_to(const char *helper, int in_fd, int out_fd, uint64_t bytes, int timeout_ms,
                     struct mir_error *err)
{
    struct stat st;
    if (img_unpack_fd(helper, in_fd, out_fd, "the kernel", timeout_ms, err))
        return -1;
    if (fstat(out_fd, &st) || (uint64_t)st.st_size != bytes)
        return mir_fail(err, MIR_CORRUPT, "unpacking gave not the %" PRIu64 " bytes expected",
                        bytes);
    return fsync(out_fd) ? mir_fail_errno(err, errno, "cannot sync the unpacked kernel") : 0;
}

int mird_unpack(const char *helper, const char *from, const char *to, uint64_t bytes,
                int timeout_ms, struct mir_error *err)
{
    mir_auto_free char *temp = mir_format("%s.%ld.new", to, (long)gettid());
    mir_auto_close int in_fd = open(from, O_RDONLY | O_CLOEXEC);
    if (in_fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", from);
    mir_auto_close int out_fd = open(temp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out_fd < 0)
        return mir_fail_errno(err, errno, "cannot create %s", temp);
    int rc = unpack_to(helper, in_fd, out_fd, bytes, timeout_ms, err);
    if (!rc && rename(temp, to))
        rc = mir_fail_errno(err, errno, "cannot put %s in place", to);
    if (rc)
        unlink(temp);
    return rc;
}
