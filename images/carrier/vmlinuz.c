/* SPDX-License-Identifier: ISC */
#include "vmlinuz.h"

#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "bytes.h"
#include "manifest.h"
#include "needed.h"
#include "squeeze.h"
#include "unwrap.h"

#define UNPACKED_MAX ((size_t)256 << 20)
#define SECTOR ((size_t)512)
#define LEN_BYTES ((size_t)4)

enum place {
    AT_SETUP_SECTS = 0x1f1,
    AT_BOOT_FLAG = 0x1fe,
    AT_HEADER = 0x202,
    AT_VERSION = 0x206,
    AT_PAYLOAD = 0x248,
    AT_PAYLOAD_LEN = 0x24c,
    HEAD_BYTES = 0x250
};
#define VERSION_WITH_PAYLOAD 0x0208
#define SETUP_SECTS_OF_0 4 /* in the oldest of them */

struct payload {
    const unsigned char *at;
    size_t len;
};

static bool find_payload(const unsigned char *file, size_t len, struct payload *ret)
{
    if (len < HEAD_BYTES || krn_le16(file + AT_BOOT_FLAG) != 0xaa55 ||
        memcmp(file + AT_HEADER, "HdrS", 4) || krn_le16(file + AT_VERSION) < VERSION_WITH_PAYLOAD)
        return false;
    size_t sects = file[AT_SETUP_SECTS] ? file[AT_SETUP_SECTS] : SETUP_SECTS_OF_0;
    uint64_t at = (sects + 1) * SECTOR + (uint64_t)krn_le32(file + AT_PAYLOAD);
    uint64_t payload_len = krn_le32(file + AT_PAYLOAD_LEN);
    if (payload_len <= LEN_BYTES || at + payload_len > len)
        return false;
    *ret = (struct payload){.at = file + at, .len = (size_t)payload_len};
    return true;
}

/* Behind what is no gzip file, which has it anyway, stands the unpacked length. */
static unsigned char *unpack_any(const struct payload *payload, size_t *ret_len)
{
    enum mir_container container = krn_container_of(payload->at, payload->len);
    size_t len = payload->len - (container == MIR_CONTAINER_GZIP ? 0 : LEN_BYTES);
    size_t kernel_len = krn_le32(payload->at + payload->len - LEN_BYTES);
    unsigned char *kernel = NULL;
    if (container == MIR_CONTAINER_NONE || kernel_len > UNPACKED_MAX)
        return NULL;
    *ret_len = kernel_len;
    if (container == MIR_CONTAINER_ZSTD)
        return img_unsqueeze_zstd(payload->at, len, kernel_len);
    return img_unsqueeze(payload->at, len, UNPACKED_MAX, &kernel, ret_len, NULL) ? NULL : kernel;
}

/* NULL where it is packed otherwise, or damaged. */
static unsigned char *unpack(const struct payload *payload, size_t *ret_len)
{
    unsigned char *kernel = unpack_any(payload, ret_len);
    if (kernel && *ret_len == krn_le32(payload->at + payload->len - LEN_BYTES) &&
        img_is_elf(kernel, *ret_len))
        return kernel;
    free(kernel);
    return NULL;
}

static int too_large(struct mir_error *err)
{
    return mir_fail(err, MIR_NO_SPACE, "Linux is larger than it may be");
}

/* What Xen makes room by. */
static int add_length(struct mir_buf *out, size_t len, struct mir_error *err)
{
    unsigned char behind[LEN_BYTES];
    for (size_t i = 0; i < sizeof behind; i++)
        behind[i] = (unsigned char)(len >> 8 * i);
    return mir_buf_add(out, behind, sizeof behind) ? too_large(err) : 0;
}

int img_vmlinuz_repack(const unsigned char *file, size_t len, bool types, struct mir_buf *out,
                       struct img_repacked *ret, struct mir_error *err)
{
    struct payload payload;
    struct img_repacked repacked = {.bytes = 0};
    mir_auto_free unsigned char *kernel =
        find_payload(file, len, &payload) ? unpack(&payload, &repacked.bytes) : NULL;
    if (!kernel)
        return mir_buf_add(out, file, len) ? too_large(err) : 0;
    size_t kernel_len = repacked.bytes;
    img_sha256(kernel, kernel_len, repacked.sha256);
    img_vmlinux_spare(kernel, &kernel_len, types, &repacked.spared);
    if (img_squeeze_zstd(kernel, kernel_len, IMG_SQUEEZE_BEST, out, err) ||
        add_length(out, kernel_len, err))
        return -1;
    *ret = repacked;
    return 0;
}
