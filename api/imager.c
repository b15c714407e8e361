/* SPDX-License-Identifier: ISC */
#include "api/imager.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "api/buf.h"
#include "api/cleanup.h"
#include "api/memory.h"
#include "api/provider.h"

#define WORDS_MAX ((size_t)64 << 10)
#define DISK_EDITION "2" /* raise it when the same words give another disk */

void mir_disk_name(const struct mir_instance_spec *spec, const struct mir_needs *needs,
                   char out[MIR_SHA256_TEXT])
{
    /* A disk that is one already has no boot configuration for arguments. */
    bool ready = needs->layout == MIR_LAYOUT_NONE && !spec->carrier;
    const char *base = spec->carrier_base ? strrchr(spec->carrier_base, '/') : NULL;
    mir_auto_buf struct mir_buf words;
    mir_buf_init(&words, WORDS_MAX);
    mir_buf_addf(&words, "disk %s\n%s\n%s\n%s\n%s\n%s\n", DISK_EDITION, spec->kernel->sha256,
                 spec->kernel->table, mir_layout_name(needs->layout), ready ? "" : spec->arguments,
                 base ? base : "");
    for (unsigned i = 0; spec->blocks && i < spec->blocks->count; i++)
        mir_buf_addf(&words, "%s %s\n", spec->blocks->list[i].name, spec->blocks->list[i].sha256);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_Digest(words.data, words.len, digest, &len, EVP_sha256(), NULL) || len != 32)
        mir_memory_out(); /* it has no other reason to fail */
    for (unsigned i = 0; i < len; i++)
        snprintf(out + 2 * (size_t)i, 3, "%02x", digest[i]);
}
