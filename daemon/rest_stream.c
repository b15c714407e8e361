/* SPDX-License-Identifier: ISC */
/*
 * /v1/deployments/{name}/logs and …/events: as documents, and as server-sent events that follow.
 * A stream is a source that appends frames to a buffer when it has news; waking, heartbeats and
 * handing the bytes out are the same for both.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/json.h"
#include "api/memory.h"
#include "rest.h"

#define HEARTBEAT_MS 15000
#define LOG_BLOCK 4096         /* console bytes of one frame */
#define FRESH_MAX (256u << 10) /* console bytes not yet in the log */
#define EVENTS_BLOCK 64        /* events read at once */
#define EVENTS_MAX 1000        /* of one document */
#define FRAME_MAX (512u << 10) /* EVENTS_BLOCK frames, every byte escaped, fit */

struct stream {
    const struct mird_rest *rest;
    char deployment[MIR_ID_TEXT];
    struct mir_buf out;
    bool over; /* nothing comes after what is in out */
    int64_t said_ms;
    int64_t position;     /* byte offset, or id of the last event */
    int fd;               /* logs: the file, -1 while there is none */
    int64_t kept;         /* plain logs: bytes of the file to give, and then ... */
    struct mir_buf fresh; /* ... what the console has beyond them */
    int (*fill)(struct stream *stream);
};

static int64_t boot_ms(const struct stream *stream)
{
    const struct mir_clock *clock = stream->rest->core->clock;
    return clock->boot_ms(clock->ctx);
}

static void stream_free(void *state)
{
    struct stream *stream = state;
    mir_buf_clear(&stream->out);
    mir_buf_clear(&stream->fresh);
    mir_cleanup_closep(&stream->fd);
    free(stream);
}

static ssize_t stream_read(void *state, struct mird_http_request *request, char *out, size_t max)
{
    struct stream *stream = state;
    if (stream->out.len == 0 && !stream->over && stream->fill(stream))
        stream->over = true;
    int64_t now_ms = boot_ms(stream);
    if (stream->out.len == 0 && !stream->over && now_ms - stream->said_ms >= HEARTBEAT_MS)
        mir_buf_adds(&stream->out, ": still here\n\n");
    if (stream->out.len == 0) {
        if (stream->over)
            return -1;
        mird_http_wait(request, stream->deployment, stream->said_ms + HEARTBEAT_MS - now_ms);
        return 0;
    }
    stream->said_ms = now_ms;
    size_t n = stream->out.len < max ? stream->out.len : max;
    memcpy(out, stream->out.data, n);
    mir_buf_drop(&stream->out, n);
    return (ssize_t)n;
}

static struct stream *stream_new(const struct mird_rest *rest, const struct mird_deployment *d,
                                 int64_t position, int (*fill)(struct stream *))
{
    struct stream *stream = mir_calloc(1, sizeof *stream);
    stream->rest = rest;
    stream->fd = -1;
    stream->position = position;
    stream->fill = fill;
    mir_copy(stream->deployment, sizeof stream->deployment, d->id);
    mir_buf_init(&stream->out, FRAME_MAX);
    mir_buf_init(&stream->fresh, FRESH_MAX);
    stream->said_ms = boot_ms(stream);
    return stream;
}

static enum mird_http_result stream_answer(struct mird_http_response *response, const char *type,
                                           struct stream *stream)
{
    response->status = 200;
    response->type = type;
    response->stream = stream_read;
    response->stream_state = stream;
    response->stream_free = stream_free;
    mird_http_add_header(response, "Cache-Control", "no-store");
    return MIRD_HTTP_DONE;
}

/* Read before the source is: what is final then has everything in the source already. */
static bool is_final(const struct stream *stream)
{
    struct mird_deployment d;
    return mird_store_deployment_get(stream->rest->core->store, stream->deployment, &d, NULL) ||
           d.finished_s != 0;
}

static void add_frame(struct stream *stream, int64_t id, json_t *data)
{
    mir_auto_free char *text = mir_json_text(data);
    json_decref(data);
    mir_buf_addf(&stream->out, "id: %" PRId64 "\ndata: ", id);
    mir_buf_adds(&stream->out, text);
    mir_buf_adds(&stream->out, "\n\n");
}

/* --- logs --- */

static void open_log(struct stream *stream)
{
    if (stream->fd >= 0)
        return;
    mir_auto_free char *path = mird_engine_log_path(stream->rest->core, stream->deployment);
    stream->fd = open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_log(struct stream *stream, char *out, size_t size)
{
    open_log(stream);
    if (stream->fd < 0)
        return 0;
    ssize_t n = pread(stream->fd, out, size, (off_t)stream->position);
    return n > 0 ? n : 0;
}

/* Plain text: what is there now, then the end. */
static int fill_plain(struct stream *stream)
{
    char block[LOG_BLOCK];
    int64_t left = stream->kept - stream->position;
    if (left > 0) {
        ssize_t n = read_log(stream, block, left < LOG_BLOCK ? (size_t)left : LOG_BLOCK);
        mir_buf_add(&stream->out, block, (size_t)n);
        stream->position += n;
        return n == 0;
    }
    size_t skip = (size_t)-left;
    if (skip < stream->fresh.len)
        mir_buf_add(&stream->out, stream->fresh.data + skip, stream->fresh.len - skip);
    return 1;
}

/* The engine looks at a console about once a second; whoever asks for the log is shown what has
 * come since then as well. The log is the console from its first byte on, so its size is where to
 * go on. */
static void look_ahead(struct stream *stream, const struct mird_deployment *d)
{
    struct stat st;
    uint64_t next = 0;
    open_log(stream);
    stream->kept = stream->fd >= 0 && !fstat(stream->fd, &st) ? (int64_t)st.st_size : 0;
    struct mir_prov *prov = mird_core_provider(stream->rest->core, d->provider);
    if (prov && !d->finished_s && d->instance.id[0])
        mir_prov_instance_console(prov, d->id, (uint64_t)stream->kept, &stream->fresh, &next, NULL);
}

/* Length of the valid UTF-8 sequence at text; 0: none begins here; -1: cut off by the end. */
static int utf8_length(const unsigned char *text, size_t len)
{
    static const struct {
        unsigned char mask, lead, low, high; /* low..high: of the second byte */
        int size;
    } forms[] = {
        {0x80, 0x00, 0, 0, 1},       {0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3},
        {0xff, 0xf0, 0x90, 0xbf, 4}, {0xff, 0xf4, 0x80, 0x8f, 4}, {0xe0, 0xc0, 0x80, 0xbf, 2},
        {0xf0, 0xe0, 0x80, 0xbf, 3}, {0xfc, 0xf0, 0x80, 0xbf, 4},
    };
    if (text[0] == 0xc0 || text[0] == 0xc1)
        return 0;
    for (size_t i = 0; i < MIR_NELEMS(forms); i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead)
            continue;
        for (int k = 1; k < forms[i].size; k++) {
            if ((size_t)k >= len)
                return -1;
            unsigned char low = k == 1 ? forms[i].low : 0x80, high = k == 1 ? forms[i].high : 0xbf;
            if (text[k] < low || text[k] > high)
                return 0;
        }
        return forms[i].size;
    }
    return 0;
}

/* Console bytes as text: what is no UTF-8 becomes U+FFFD. Returns how many bytes were taken; a
 * character cut off at the end is left for later unless `last`. */
static size_t printable(const char *bytes, size_t len, bool last, struct mir_buf *out)
{
    size_t i = 0;
    while (i < len) {
        int n = utf8_length((const unsigned char *)bytes + i, len - i);
        if (n < 0 && !last)
            break;
        if (n > 0 && bytes[i] != '\0') {
            mir_buf_add(out, bytes + i, (size_t)n);
            i += (size_t)n;
        } else {
            mir_buf_adds(out, "\xef\xbf\xbd");
            i++;
        }
    }
    return i;
}

static int fill_follow(struct stream *stream)
{
    char block[LOG_BLOCK];
    bool final = is_final(stream);
    ssize_t n = read_log(stream, block, sizeof block);
    mir_auto_buf struct mir_buf text;
    mir_buf_init(&text, 3 * LOG_BLOCK);
    size_t taken = printable(block, (size_t)n, final, &text);
    stream->position += (int64_t)taken;
    if (taken)
        add_frame(stream, stream->position, json_pack("{s:s%}", "text", text.data, text.len));
    if (!final || n > 0)
        return 0;
    mir_buf_addf(&stream->out, "id: %" PRId64 "\nevent: end\ndata: {}\n\n", stream->position);
    return 1;
}

/* Where a stream goes on: the header of a reconnecting client, else the query. */
static int read_position(const struct mird_http_request *request, const char *query, int64_t *ret,
                         struct mir_error *err)
{
    const char *last = mird_http_header(request, "Last-Event-ID");
    if (!last)
        return rest_query_number(request, query, ret, err);
    char *end;
    errno = 0;
    long long value = strtoll(last, &end, 10);
    if (errno || end == last || *end || value < 0)
        return mir_fail(err, MIR_USAGE, "Last-Event-ID: %.32s: not a number from 0 on", last);
    *ret = value;
    return 0;
}

/* *ret_future: nothing at all was read since then. */
static int read_since(const struct mird_rest *rest, const struct mird_http_request *request,
                      const struct mird_deployment *d, int64_t *position, bool *ret_future,
                      struct mir_error *err)
{
    const char *since = mird_http_query(request, "since");
    int64_t since_s;
    if (!since)
        return 0;
    if (mir_time_parse(since, &since_s, err))
        return mir_error_wrap(err, "?since");
    *ret_future = since_s > rest_now_s(rest);
    int64_t offset = mird_engine_log_since(rest->core, d->id, since_s);
    if (offset > *position)
        *position = offset;
    return 0;
}

REST_HANDLER(rest_logs_get)
{
    const struct mird_rest *rest = ctx;
    struct mird_deployment d;
    struct mir_error err = {0};
    int64_t offset = 0;
    bool follow = false, future = false;
    if (rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err) ||
        rest_query_flag(request, "follow", &follow, &err) ||
        read_position(request, "offset", &offset, &err) ||
        read_since(rest, request, &d, &offset, &future, &err))
        return rest_fail(request, response, &err);
    struct stream *stream = stream_new(rest, &d, offset, follow ? fill_follow : fill_plain);
    if (!follow)
        look_ahead(stream, &d);
    else if (rest->core->engine)
        mird_engine_follow(rest->core->engine, d.id);
    if (future)
        mir_buf_clear(&stream->fresh);
    return stream_answer(response, follow ? "text/event-stream" : "text/plain; charset=utf-8",
                         stream);
}

/* --- events --- */

static int fill_events(struct stream *stream)
{
    bool final = is_final(stream);
    struct mird_event *list = NULL;
    size_t count = 0;
    if (mird_store_events(stream->rest->core->store, stream->deployment, stream->position,
                          EVENTS_BLOCK, &list, &count, NULL))
        return 1;
    for (size_t i = 0; i < count; i++) {
        add_frame(stream, list[i].id, rest_event_json(&list[i]));
        stream->position = list[i].id;
    }
    free(list);
    return final && count < EVENTS_BLOCK;
}

static bool wants_stream(const struct mird_http_request *request)
{
    const char *accept = mird_http_header(request, "Accept");
    return accept && strstr(accept, "text/event-stream");
}

REST_HANDLER(rest_events_get)
{
    const struct mird_rest *rest = ctx;
    struct mird_deployment d;
    struct mir_error err = {0};
    int64_t after = 0;
    struct mird_event *list = NULL;
    size_t count = 0;
    if (rest_find_deployment(rest, mird_http_param(request, "name"), &d, &err) ||
        read_position(request, "after", &after, &err))
        return rest_fail(request, response, &err);
    if (wants_stream(request))
        return stream_answer(response, "text/event-stream",
                             stream_new(rest, &d, after, fill_events));
    if (mird_store_events(rest->core->store, d.id, after, EVENTS_MAX, &list, &count, &err))
        return rest_fail(request, response, &err);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, rest_event_json(&list[i]));
    free(list);
    return rest_json(response, 200, json_pack("{s:o}", "events", array));
}
