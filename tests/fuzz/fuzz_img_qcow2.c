/* SPDX-License-Identifier: ISC */
/* qcow2 files of strangers: what is taken lies inside the file, once, and can be converted. */
#include "fuzz_img_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read(MIR_FORMAT_DISK_QCOW2, data, size);
    return 0;
}
