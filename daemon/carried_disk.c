/* SPDX-License-Identifier: ISC */
#include "carried_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/fault.h"
#include "api/log.h"
#include "api/memory.h"
#include "daemon/store.h"
#include "disk_file.h"

#define DISK_MAX ((uint64_t)512 << 20)
#define ENDS ".raw"
#define ENDS_NEW ".raw.new"

static char *folder_of(const struct mird_core *core)
{
    return mir_format("%s/carried", core->state_dir);
}

char *mird_carried_path(const struct mird_core *core, const char *id)
{
    return mir_format("%s/carried/%s" ENDS, core->state_dir, id);
}

static int open_new(const struct mird_core *core, const char *path, int *ret, struct mir_error *err)
{
    mir_auto_free char *folder = folder_of(core);
    if (mkdir(folder, 0700) && errno != EEXIST)
        return mir_fail_errno(err, errno, "cannot make %s", folder);
    *ret = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return *ret < 0 ? mir_fail_errno(err, errno, "cannot create %s", path) : 0;
}

static uint64_t block_bytes(const struct mir_instance_spec *spec)
{
    return spec->blocks ? mir_blocks_bytes(spec->blocks) : 0;
}

/* Of the machine here all disks are alike: it boots by BIOS. */
static int write_new(const struct mird_core *core, const struct mir_instance_spec *spec,
                     const char *path, struct mir_error *err)
{
    const struct mir_needs needs = {.image = MIR_IMAGE_RAW, .firmware = MIR_FIRMWARE_BIOS};
    mir_auto_close int fd = -1;
    if (open_new(core, path, &fd, err) || mir_fault_before("carried.write", err) ||
        mird_disk_write(&core->imager, spec, &needs, DISK_MAX + block_bytes(spec), fd, err))
        return -1;
    return fsync(fd) ? mir_fail_errno(err, errno, "cannot sync %s", path) : 0;
}

int mird_carried_make(const struct mird_core *core, const struct mir_instance_spec *spec,
                      const char *id, struct mir_error *err)
{
    mir_auto_free char *path = mird_carried_path(core, id);
    mir_auto_free char *temp = mir_format("%s.new", path);
    if (!access(path, F_OK))
        return 0;
    int rc = write_new(core, spec, temp, err);
    if (!rc)
        rc = mir_fault_before("carried.rename", err);
    if (!rc && rename(temp, path))
        rc = mir_fail_errno(err, errno, "cannot put %s in place", path);
    if (!rc)
        return mir_fault_after("carried.rename", err);
    unlink(temp);
    return -1;
}

void mird_carried_launch(struct mir_instance_spec *spec, const char *disk)
{
    spec->kernel_path = disk;
    spec->arguments[0] = '\0'; /* they are on it */
}

void mird_carried_forget(const struct mird_core *core, const char *id)
{
    mir_auto_free char *path = mird_carried_path(core, id);
    mir_auto_free char *temp = mir_format("%s.new", path);
    unlink(path);
    unlink(temp);
}

/* "<id>.raw" or "<id>.raw.new": the id, which is all that another file has not. */
static bool id_of(const char *name, char ret[MIR_ID_TEXT])
{
    size_t len = strcspn(name, ".");
    if (len >= MIR_ID_TEXT || (strcmp(name + len, ENDS) != 0 && strcmp(name + len, ENDS_NEW) != 0))
        return false;
    snprintf(ret, MIR_ID_TEXT, "%.*s", (int)len, name);
    return mir_id_valid(ret);
}

static bool is_over(const struct mird_core *core, const char *id)
{
    struct mird_deployment d;
    struct mir_error err = {0};
    if (mird_store_deployment_get(core->store, id, &d, &err))
        return err.kind == MIR_NOT_FOUND;
    return d.finished_s != 0;
}

void mird_carried_sweep(const struct mird_core *core)
{
    mir_auto_free char *folder = folder_of(core);
    DIR *dir = opendir(folder);
    char id[MIR_ID_TEXT];
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (id_of(entry->d_name, id) && is_over(core, id)) {
            mir_log(MIR_LOG_INFO, "start", "the disk %s is of no deployment any more: removed",
                    entry->d_name);
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    closedir(dir);
}
