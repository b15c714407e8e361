/* SPDX-License-Identifier: ISC */
#include "disk.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/memory.h"

static uint64_t be64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static uint32_t be32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

#define QCOW2_HEADER 104
#define QCOW2_EXTERNAL_DATA 4 /* incompatible feature bit 2 */

/* QEMU docs/interop/qcow2.txt: backing_file_offset at 8, incompatible_features at 72 (version 3).
 */
static int admit_qcow2(int fd, struct mir_error *err)
{
    unsigned char head[QCOW2_HEADER] = {0};
    if (pread(fd, head, sizeof head, 0) < 72 || memcmp(head, "QFI\xfb", 4))
        return mir_fail(err, MIR_CORRUPT, "the disk image is not qcow2");
    uint32_t version = be32(head + 4);
    if (version != 2 && version != 3)
        return mir_fail(err, MIR_POLICY, "qcow2 version %u is not known", version);
    if (be64(head + 8) != 0) {
        mir_fail(err, MIR_POLICY, "the qcow2 image is based on another file");
        return mir_error_hint(err, "make it whole: qemu-img convert -O qcow2 IMAGE WHOLE");
    }
    if (version == 3 && (be64(head + 72) & QCOW2_EXTERNAL_DATA)) {
        mir_fail(err, MIR_POLICY, "the qcow2 image keeps its data in another file");
        return mir_error_hint(err, "make it whole: qemu-img convert -O qcow2 IMAGE WHOLE");
    }
    return 0;
}

#define VHD_FOOTER 512
#define VHD_DIFFERENCING 4

/* The footer is the last 512 bytes; its disk type stands at 60. */
static int admit_vhd(int fd, struct mir_error *err)
{
    struct stat st;
    unsigned char foot[VHD_FOOTER] = {0};
    if (fstat(fd, &st) || st.st_size < VHD_FOOTER ||
        pread(fd, foot, sizeof foot, st.st_size - VHD_FOOTER) != VHD_FOOTER ||
        memcmp(foot, "conectix", 8))
        return mir_fail(err, MIR_CORRUPT, "the disk image is not a VHD");
    if (be32(foot + 60) == VHD_DIFFERENCING)
        return mir_fail(err, MIR_POLICY, "the VHD only holds the differences to another file");
    return 0;
}

#define SECTOR 512
#define VMDK_TEXT (20 * SECTOR) /* what QEMU reads of it */

static uint64_t le64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

/* What QEMU would take for the image's description, at this place. */
static int check_text(int fd, uint64_t at, bool *ret_whole, struct mir_error *err)
{
    static const char *const words[] = {"createType=\"monolithicSparse\"",
                                        "createType=\"streamOptimized\""};
    unsigned char text[VMDK_TEXT] = {0};
    ssize_t n = at < INT64_MAX ? pread(fd, text, sizeof text, (off_t)at) : -1;
    if (n <= 0)
        return mir_fail(err, MIR_CORRUPT, "the VMDK is cut off");
    if (memmem(text, sizeof text, "parentFileNameHint", 18))
        return mir_fail(err, MIR_POLICY, "the VMDK only holds the differences to another file");
    for (size_t i = 0; i < MIR_NELEMS(words); i++)
        *ret_whole |= memmem(text, sizeof text, words[i], strlen(words[i])) != NULL;
    return 0;
}

/* VMware's "Virtual Disk Format 1.1". QEMU looks for a parent's name behind the header, wherever
 * that says the description is, and takes one of a disk without a size for a list of files. */
static int admit_vmdk(int fd, struct mir_error *err)
{
    unsigned char head[SECTOR] = {0};
    bool whole = false;
    if (pread(fd, head, sizeof head, 0) != SECTOR || memcmp(head, "KDMV", 4))
        return mir_fail(err, MIR_CORRUPT, "the disk image is not a VMDK");
    uint64_t size = le64(head + 12), text_at = le64(head + 28);
    if (check_text(fd, SECTOR, &whole, err))
        return -1;
    if (text_at != 1 && text_at < INT64_MAX / SECTOR &&
        check_text(fd, text_at * SECTOR, &whole, err))
        return -1;
    if (size && whole)
        return 0;
    mir_fail(err, MIR_POLICY, "the VMDK is one of several files that make up a disk");
    return mir_error_hint(err, "make it whole: qemu-img convert -O qcow2 IMAGE WHOLE");
}

static int admit_raw(int fd, struct mir_error *err)
{
    (void)fd;
    (void)err;
    return 0;
}

static const struct {
    enum mir_format format;
    const char *word;
    int (*admit)(int fd, struct mir_error *err);
} disks[] = {
    {MIR_FORMAT_DISK_RAW, "raw", admit_raw},
    {MIR_FORMAT_DISK_QCOW2, "qcow2", admit_qcow2},
    {MIR_FORMAT_DISK_VHD, "vpc", admit_vhd},
    {MIR_FORMAT_DISK_VMDK, "vmdk", admit_vmdk},
};

int local_disk_admit(const char *path, enum mir_format format, char ret[8], struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(disks); i++) {
        if (disks[i].format != format)
            continue;
        mir_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return mir_fail_errno(err, errno, "cannot open %s", path);
        if (disks[i].admit(fd, err))
            return -1;
        mir_copy(ret, 8, disks[i].word);
        return 0;
    }
    return mir_fail(err, MIR_POLICY, "a file of format %s is no disk for QEMU",
                    mir_format_name(format));
}
