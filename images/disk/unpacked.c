/* SPDX-License-Identifier: ISC */
#include "unpacked.h"

#include <stdlib.h>
#include <zlib.h>

#include "api/memory.h"

struct img_unpacked {
    const struct img_extent *current; /* borrowed: whose bytes `plain` has; NULL: nobody's */
    z_stream inflate;
    unsigned char *packed; /* owned */
    size_t packed_room;
    unsigned char plain[IMG_PACKED_MAX];
};

static struct img_unpacked *make(void)
{
    struct img_unpacked *u = mir_calloc(1, sizeof *u);
    if (inflateInit(&u->inflate) != Z_OK)
        mir_memory_out();
    return u;
}

void img_unpacked_free(struct img_unpacked *u)
{
    if (!u)
        return;
    inflateEnd(&u->inflate);
    free(u->packed);
    free(u);
}

static int inflate_one(struct img_unpacked *u, const struct img_extent *e, struct mir_error *err)
{
    inflateReset(&u->inflate);
    u->inflate.next_in = u->packed;
    u->inflate.avail_in = e->packed_len;
    u->inflate.next_out = u->plain;
    u->inflate.avail_out = sizeof u->plain;
    if (inflate(&u->inflate, Z_FINISH) == Z_STREAM_END && u->inflate.total_out >= e->len)
        return 0;
    mir_fail(err, MIR_CORRUPT, "damaged disk image: a compressed part of it cannot be unpacked");
    return mir_error_hint(err, "fetch or copy the file again");
}

int img_unpacked_get(struct img_unpacked **unpacked, const struct img_extent *e,
                     struct img_input *input, const unsigned char **ret, struct mir_error *err)
{
    struct img_unpacked *u = *unpacked ? *unpacked : (*unpacked = make());
    if (u->current != e) {
        u->current = NULL;
        if (e->packed_len > u->packed_room) {
            free(u->packed);
            u->packed = mir_calloc(1, e->packed_len);
            u->packed_room = e->packed_len;
        }
        if (img_input_read(input, e->input_at, u->packed, e->packed_len, err) ||
            inflate_one(u, e, err))
            return -1;
        u->current = e;
    }
    *ret = u->plain;
    return 0;
}
