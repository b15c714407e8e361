/* SPDX-License-Identifier: ISC */
#include "firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/memory.h"
#include "dir.h"

#define VARS_MAX ((size_t)4 << 20)

static int find(const char *folder, const char *name, char ret[PATH_MAX], struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/%s", folder, name);
    if (mir_copy(ret, PATH_MAX, path))
        return mir_fail(err, MIR_USAGE, "[local] uefi = names too long a path");
    if (!access(path, R_OK))
        return 0;
    mir_fail(err, MIR_UNAVAILABLE, "the UEFI firmware %s: %s", path, strerror(errno));
    return mir_error_hint(err, "apt-get install ovmf, or name its folder with [local] uefi =");
}

int local_firmware_find(const char *folder, struct local_firmware *ret, struct mir_error *err)
{
    struct local_firmware firmware;
    if (find(folder, "OVMF_CODE_4M.fd", firmware.code, err) ||
        find(folder, "OVMF_VARS_4M.fd", firmware.vars, err))
        return -1;
    *ret = firmware;
    return 0;
}

static int copy_vars(const char *path, int dir_fd, struct mir_error *err)
{
    mir_auto_free char *bytes = NULL;
    size_t len;
    if (mir_file_read(path, VARS_MAX, &bytes, &len, err))
        return -1;
    mir_auto_close int fd = openat(dir_fd, LOCAL_VARS_FILE,
                                   O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || mir_write_all(fd, bytes, len))
        return mir_fail_errno(err, errno, "cannot copy the firmware's variables");
    return 0;
}

int local_firmware_place(const struct local_firmware *firmware, int dir_fd, struct mir_error *err)
{
    unlinkat(dir_fd, LOCAL_FIRMWARE_FILE, 0);
    if (symlinkat(firmware->code, dir_fd, LOCAL_FIRMWARE_FILE))
        return mir_fail_errno(err, errno, "cannot link the firmware");
    return copy_vars(firmware->vars, dir_fd, err);
}
