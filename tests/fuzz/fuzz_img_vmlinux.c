/* SPDX-License-Identifier: ISC */
/* A Linux, unpacked: what comes out is its beginning, but for a section of zeros. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmlinux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, const unsigned char *out, size_t len, size_t blanked)
{
    size_t first = 0, end = len;
    while (first < len && out[first] == data[first])
        first++;
    while (end > first && out[end - 1] == data[end - 1])
        end--;
    if (end - first > blanked || memcmp(out, "\177ELF", 4))
        abort();
    for (size_t i = first; i < end; i++)
        if (out[i])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *kernel = malloc(size ? size : 1);
    struct img_spared spared;
    size_t len = size;
    if (!kernel)
        return 0;
    memcpy(kernel, data, size);
    img_vmlinux_spare(kernel, &len, true, &spared);
    if (len > size || size - len != spared.relocations ||
        !spared.relocations == !spared.relocations_why || !spared.types == !spared.types_why)
        abort();
    if (spared.relocations || spared.types)
        check(data, kernel, len, spared.types);
    else if (memcmp(kernel, data, size))
        abort();
    free(kernel);
    return 0;
}
