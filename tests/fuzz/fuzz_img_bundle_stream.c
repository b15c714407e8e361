/* SPDX-License-Identifier: ISC */
/*
 * The stream of a bundle's files: names that are files' and nothing else, each file whole before
 * the next one, and never an end where the bytes ended.
 */
#include <string.h>

#include "fuzz_img_read.h"
#include "images/bundle_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct img_bundle_stream stream;
    struct img_bundle_piece piece = {.len = 1};
    struct mir_error err = {0};
    uint64_t bytes = 0;
    int rc = 0;
    img_bundle_stream_init(&stream, fuzz_file(&fd, data, size));
    while (!rc && piece.len && !(rc = img_bundle_stream_next(&stream, &piece, &err))) {
        bytes += piece.len;
        if (piece.len && (!*piece.name || strchr(piece.name, '/') || *piece.name == '.' ||
                          piece.at + piece.len > stream.len))
            abort();
    }
    if (rc ? err.kind != MIR_CORRUPT || !err.text[0]
           : !stream.ended || stream.at != stream.len || bytes >= size)
        abort();
    img_bundle_stream_clear(&stream);
    return 0;
}
