/* SPDX-License-Identifier: ISC */
/* The small languages of the fake OpenStack: what is taken means what it says, and nothing outside
 * of what it is said of. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "cron.h"
#include "neutron_address.h"
#include "os_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void cron(const char *text)
{
    /* Years without a day of that kind are long: those with every day are looked at. */
    size_t len = strlen(text);
    if (!fos_cron_valid(text) || len < 6 || strcmp(text + len - 6, " * * *") != 0)
        return;
    int64_t next_s = fos_cron_next(text, 1795000000);
    if (next_s <= 1795000000 || next_s % 60 || next_s > 1795000000 + 86400)
        abort();
}

static void range(const char *text, uint64_t size)
{
    uint64_t at = 7, len = 7;
    int rc = fos_byte_range(text, size, &at, &len);
    if (rc == 1 ? !len || at >= size || len > size - at : at != 7 || len != 7)
        abort();
}

static void pointer(const char *text)
{
    char name[FOS_MEMBER_MAX];
    if (fos_pointer_read(text, name) && (!*name || strlen(name) >= strlen(text)))
        abort();
}

/* What a range begins with is in it, written the same way again. */
static void subnet(const char *text, int version)
{
    struct fos_range found, back;
    char first[FOS_ADDRESS];
    if (!fos_range_read(text, version, &found))
        return;
    fos_range_address(&found, 0, first);
    mir_auto_free char *again = mir_format("%s/%u", first, found.bits);
    if (!fos_range_read(again, version, &back) || memcmp(&found, &back, sizeof found) != 0 ||
        fos_range_size(&found) < 4)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mir_calloc(1, size + 1);
    if (size)
        memcpy(text, data, size);
    cron(text);
    range(text, size);
    range(text, 0);
    range(text, UINT64_MAX);
    pointer(text);
    subnet(text, 4);
    subnet(text, 6);
    free(text);
    return 0;
}
