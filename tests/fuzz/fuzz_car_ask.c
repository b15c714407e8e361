/* SPDX-License-Identifier: ISC */
/*
 * The beginning of a connection to a carrier that answers for its guest: by whatever byte it is
 * cut, what was said once stays said; what is taken for ours has the path in it and ends its head.
 */
#include <stdlib.h>
#include <string.h>

#include "answer_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void ours(const char *bytes, size_t at)
{
    static const char path[] = "/.well-known/unikernel HTTP/1.";

    must(at >= 2 && at <= CAR_ASK_BYTES && bytes[at - 1] == '\n' && memchr(bytes, '/', at) != NULL);
    must(memmem(bytes, at, path, sizeof path - 1) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    size_t step = size > 512 ? size / 512 : 1;
    enum car_ask before = CAR_ASK_MORE;

    if (size > 2 * CAR_ASK_BYTES)
        return 0;
    for (size_t n = 0; n <= size; n += step) {
        enum car_ask is = car_ask_read(bytes, n);

        must(before == CAR_ASK_MORE || is == before);
        must(is != CAR_ASK_MORE || n < CAR_ASK_BYTES);
        if (step == 1 && is != before && is != CAR_ASK_GUEST)
            ours(bytes, n);
        before = is;
    }
    return 0;
}
