/* SPDX-License-Identifier: ISC */
/*
 * A guest's console at random, in pieces: what is shown has no control character but the tab, no
 * byte of a C1 control, and is the same however the bytes come. The first byte is the size of the
 * pieces. The same bytes as a message of Xen's store and as lines of xl and /proc/meminfo.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "memory.h"
#include "xl.h"
#include "xs_wire.h"

#define SHOWN_MAX (1 << 20)

struct shown {
    char bytes[SHOWN_MAX];
    size_t len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int holds)
{
    if (!holds)
        abort();
}

static void show(void *ctx, const char *line, size_t len)
{
    struct shown *shown = ctx;

    must(len < CAR_CLEAN_MAX && strlen(line) == len && shown->len + len + 1 < SHOWN_MAX);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];

        must((c >= 0x20 || c == '\t') && c != 0x7f);
        must(i == 0 || (unsigned char)line[i - 1] != 0xc2 || c >= 0xa0);
    }
    memcpy(shown->bytes + shown->len, line, len);
    shown->len += len;
    shown->bytes[shown->len++] = '\n';
    (void)car_xl_domain(line);
    (void)car_xl_reason(line);
}

static void feed(struct shown *shown, const char *bytes, size_t len, size_t step)
{
    struct car_lines lines = {.emit = show, .ctx = shown};

    shown->len = 0;
    for (size_t at = 0; at < len; at += step)
        car_lines_feed(&lines, bytes + at, len - at < step ? len - at : step);
    car_lines_end(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct shown whole;
    static struct shown pieces;
    struct car_xs_message message;

    if (size < 1 || size > 64 * 1024)
        return 0;
    feed(&whole, (const char *)data + 1, size - 1, size);
    feed(&pieces, (const char *)data + 1, size - 1, (size_t)data[0] + 1);
    must(whole.len == pieces.len && memcmp(whole.bytes, pieces.bytes, whole.len) == 0);
    if (car_xs_decode(data + 1, size - 1, &message) > 0)
        must((const uint8_t *)message.payload + message.payload_len <= data + size);
    must(car_meminfo_mib((const char *)data + 1, size - 1, "MemAvailable:") >= -1);
    return 0;
}
