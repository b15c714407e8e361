/* SPDX-License-Identifier: ISC */
/* A vmlinuz of a package: what comes out is the file itself, or a packed kernel and its length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "squeeze.h"
#include "vmlinuz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)4 << 20)

static void check(const uint8_t *data, size_t size, const uint8_t *out, size_t len)
{
    unsigned char *kernel;
    size_t kernel_len;
    if (len == size && (!len || !memcmp(out, data, len)))
        return;
    if (len < 4 || img_unsqueeze(out, len - 4, (size_t)256 << 20, &kernel, &kernel_len, NULL) ||
        kernel_len != krn_le32(out + len - 4) || memcmp(kernel, "\177ELF", 4))
        abort();
    free(kernel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mir_auto_buf struct mir_buf out;
    struct mir_error err = {0};
    struct img_repacked repacked = {.bytes = 0};
    mir_buf_init(&out, OUT_MAX);
    if (!img_vmlinuz_repack(data, size, true, &out, &repacked, &err))
        check(data, size, (const uint8_t *)mir_buf_text(&out), out.len);
    else if (err.kind != MIR_NO_SPACE)
        abort();
    return 0;
}
