/* SPDX-License-Identifier: ISC */
/* Bytes from the link (a broken public process) into frames and messages; and the same bytes as
 * what a site shows at /.well-known/unikernel, as an announcement and as a URL. What is accepted
 * has to survive the way back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "api/json.h"
#include "api/memory.h"
#include "daemon/link_message.h"
#include "daemon/prober.h"
#include "daemon/public_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct mird_link_message *m)
{
    if (m->type == MIRD_LINK_OTHER)
        return;
    json_t *json = mird_link_message_json(m);
    struct mird_link_message again = {0};
    if (mird_link_message_parse(json, &again, NULL))
        abort();
    json_t *back = mird_link_message_json(&again);
    if (!json_equal(json, back))
        abort();
    json_decref(json);
    json_decref(back);
    mird_link_message_clear(&again);
}

static void frames(const uint8_t *data, size_t size)
{
    mir_auto_buf struct mir_buf in;
    mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
    if (mir_buf_add(&in, data, size))
        return;
    struct mird_link_message m = {0};
    while (mird_link_take(&in, &m, NULL) == 1) {
        round_trip(&m);
        mird_link_message_clear(&m);
    }
}

static void others(const uint8_t *data, size_t size)
{
    mir_auto_free char *text = mir_calloc(1, size + 1);
    memcpy(text, data, size);
    int64_t deadline;
    mird_probe_read_token(text, size, "0123456789abcdef0123456789abcdef", &deadline);
    struct mir_url url;
    if (!mir_url_parse(text, &url, NULL)) {
        struct mir_url again; /* an origin is a URL with the same origin */
        if (mir_url_parse(url.origin, &again, NULL) || strcmp(url.origin, again.origin) != 0)
            abort();
    }
    json_t *json = mir_json_parse(text, size, MIRD_ANNOUNCE_BODY_MAX, NULL);
    struct mird_link_message m;
    if (json && !mird_announce_read(json, &m, NULL))
        round_trip(&m);
    json_decref(json);
    /* As one message, without the frame in front. */
    json = mir_json_parse(text, size, MIRD_LINK_MAX, NULL);
    if (json && !mird_link_message_parse(json, &m, NULL)) {
        round_trip(&m);
        mird_link_message_clear(&m);
    }
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    frames(data, size);
    others(data, size);
    return 0;
}
