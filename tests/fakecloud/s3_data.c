/* SPDX-License-Identifier: ISC */
#include "s3_data.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"
#include "blob.h"
#include "snapshot_data.h"
#include "vmdk.h"

static uint64_t size_of_vhd(const unsigned char footer[512])
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | footer[48 + i];
    return value;
}

int fc_s3_disk_size(const struct fc_world *world, const struct fc_object *object,
                    const char *format, int64_t *ret_bytes)
{
    unsigned char sector[512];
    mir_auto_close int fd = fc_blob_open(world, fc_text_at(object->doc, "_file"));
    off_t len = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    bool vhd = !strcmp(format, "VHD"), vmdk = !strcmp(format, "VMDK");
    if (len < 512 || pread(fd, sector, sizeof sector, vhd ? len - 512 : 0) != sizeof sector)
        return -1;
    uint64_t bytes = (uint64_t)len;
    if (vmdk)
        return fc_vmdk_size(fd, ret_bytes);
    if (vhd && !memcmp(sector, "conectix", 8))
        bytes = size_of_vhd(sector);
    else if (vhd)
        return -1;
    if (bytes < 512 || bytes > (uint64_t)65536 << 30)
        return -1;
    *ret_bytes = (int64_t)bytes;
    return 0;
}

static bool all_zero(const unsigned char *block)
{
    return block[0] == 0 && !memcmp(block, block + 1, FC_BLOCK_BYTES - 1);
}

static int copy_raw(struct fc_world *world, int fd, int64_t len, const char *snapshot)
{
    unsigned char *block = mir_calloc(1, FC_BLOCK_BYTES), sum[32];
    int rc = fc_snapshot_data_begin(world, snapshot, (len + (1 << 30) - 1) >> 30, NULL);
    for (int64_t at = 0; !rc && at < len; at += FC_BLOCK_BYTES) {
        memset(block, 0, FC_BLOCK_BYTES);
        if (pread(fd, block, FC_BLOCK_BYTES, at) <= 0)
            rc = -1;
        else if (!all_zero(block) &&
                 EVP_Digest(block, FC_BLOCK_BYTES, sum, NULL, EVP_sha256(), NULL))
            rc = fc_snapshot_data_put(world, snapshot, at / FC_BLOCK_BYTES, block, sum, NULL);
    }
    free(block);
    return rc;
}

/* As it is, in its own format. */
static int copy_whole(struct fc_world *world, int fd, int64_t len, const char *snapshot)
{
    if (fc_snapshot_data_begin(world, snapshot, 0, NULL))
        return -1;
    mir_auto_free char *path = fc_snapshot_data_path(world, snapshot);
    mir_auto_close int to = open(path, O_WRONLY | O_CLOEXEC);
    return to < 0 ? -1 : fc_blob_append(to, fd, (uint64_t)len);
}

int fc_s3_to_snapshot(struct fc_world *world, const struct fc_object *object, const char *format,
                      const char *snapshot)
{
    mir_auto_close int fd = fc_blob_open(world, fc_text_at(object->doc, "_file"));
    off_t len = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
    if (len < 0)
        return -1;
    return !strcmp(format, "RAW")    ? copy_raw(world, fd, len, snapshot)
           : !strcmp(format, "VMDK") ? fc_vmdk_to_snapshot(world, fd, snapshot)
                                     : copy_whole(world, fd, len, snapshot);
}
