/* SPDX-License-Identifier: ISC */
/* An image into Glance: made empty, filled by the way that the cloud allows, looked at until it is
 * active, and compared with what was sent. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "put.h"

#define PAUSE_MS 500
#define IMPORT_DIRECT "glance-direct"

/* --- until it is active --- */

static bool has_failed(const char *status)
{
    static const char *const failed[] = {"killed", "deleted", "pending_delete", "deactivated"};
    for (size_t i = 0; i < MIR_NELEMS(failed); i++)
        if (!strcmp(failed[i], status))
            return true;
    return false;
}

/* An import that failed makes the image "queued" again, and says so in a property. */
static bool import_failed(const struct os_image *image)
{
    const char *stores =
        os_pair_value(image->properties, image->property_count, "os_glance_failed_import");
    return !strcmp(image->status, "queued") && stores && *stores;
}

static int wait_active(struct put *put, const char *id, struct os_image *ret, struct mir_error *err)
{
    for (;;) {
        os_image_clear(ret);
        if (os_image_get(put->site->session, id, put->until_ms, ret, err) ||
            mir_prov_wanted(put->spec, err))
            return -1;
        if (!strcmp(ret->status, "active"))
            return 0;
        if (has_failed(ret->status) || import_failed(ret))
            return mir_fail(err, MIR_FAILED, "Glance could not make image %s: it is %s", id,
                            ret->status);
        if (os_until(put->site->session, PAUSE_MS) >= put->until_ms)
            break;
        stack_pause_ms(PAUSE_MS);
    }
    mir_fail(err, MIR_TIMEOUT, "image %s is still %s", id, ret->status);
    err->retry = MIR_RETRY_TRANSIENT;
    return -1;
}

/* --- the ways in --- */

static int upload(struct put *put, const char *id, struct put_bytes *bytes, struct mir_error *err)
{
    const struct mir_http_stream stream = put_bytes_stream(bytes);
    return os_image_upload(put->site->session, id, &stream, put->until_ms, err);
}

static int stage(struct put *put, const char *id, struct put_bytes *bytes, struct mir_error *err)
{
    const struct mir_http_stream stream = put_bytes_stream(bytes);
    return os_image_stage(put->site->session, id, &stream, put->until_ms, err) ||
                   os_image_import(put->site->session, id, IMPORT_DIRECT, NULL, put->until_ms, err)
               ? -1
               : 0;
}

/* None of its ways in is one by which bytes are sent. */
static void no_way(const struct put *put, const struct os_import_methods *methods,
                   struct mir_error *said)
{
    char list[120] = "";
    size_t len = 0;
    for (size_t i = 0; i < methods->count && len + 4 < sizeof list; i++)
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%.40s", len ? ", " : "",
                                methods->rows[i].text);
    struct mir_error before = *said;
    mir_fail(said, MIR_POLICY,
             "cloud %s lets nobody send an image: uploads are refused (%d), and it imports by %s",
             put->site->cloud, before.http_status, *list ? list : "nothing");
    said->outcome = MIR_DID_NOT_HAPPEN;
    said->http_status = before.http_status;
    mir_error_hint(said, "ask its operator for uploads, or for imports by " IMPORT_DIRECT);
}

/* The upload is forbidden: there may be the other way. */
static bool other_way(struct put *put, struct mir_error *said)
{
    static const int statuses[] = {403, 404, 405, 501};
    struct os_import_methods methods = {.rows = NULL};
    bool refused = false;
    for (size_t i = 0; i < MIR_NELEMS(statuses); i++)
        refused |= said->http_status == statuses[i];
    if (!refused || said->outcome != MIR_DID_NOT_HAPPEN ||
        os_image_import_methods(put->site->session, put->until_ms, &methods, NULL))
        return false;
    bool has = os_import_has(&methods, IMPORT_DIRECT);
    if (!has)
        no_way(put, &methods, said);
    os_import_methods_clear(&methods);
    return has;
}

static int fill(struct put *put, const char *id, struct put_bytes *bytes, struct mir_error *err)
{
    struct mir_error said = {0};
    if (!upload(put, id, bytes, &said))
        return 0;
    if (other_way(put, &said))
        return put_bytes_again(bytes, err) || stage(put, id, bytes, err) ? -1 : 0;
    return stack_said(&said, err);
}

/* Whoever finds it later knows by that that it was compared. */
static int mark_whole(struct put *put, const char *id, struct mir_error *err)
{
    static const struct os_pair whole = {MARK_WHOLE, "yes"};
    return os_image_set(put->site->session, id, &whole, 1, put->until_ms, NULL, err);
}

int put_send(struct put *put, const struct os_create_image *args, struct put_bytes *bytes,
             char ret_id[OS_ID_TEXT], struct mir_error *err)
{
    os_auto_image struct os_image made = {.name = NULL};
    *ret_id = '\0';
    if (mir_fence_check(put->stack->fence, err))
        return -1;
    if (os_image_create(put->site->session, args, put->until_ms, &made, err)) {
        put->began |= err && err->outcome != MIR_DID_NOT_HAPPEN;
        return -1;
    }
    put->began = true;
    mir_copy(ret_id, OS_ID_TEXT, made.id);
    return fill(put, ret_id, bytes, err) || wait_active(put, ret_id, &made, err) ||
                   put_bytes_compare(bytes, &made, err) || mark_whole(put, ret_id, err)
               ? -1
               : 0;
}
