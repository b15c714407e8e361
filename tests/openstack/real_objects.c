/* SPDX-License-Identifier: ISC */
#include "openstack/object_store.h"
#include "real.h"

static const struct os_pair metadata[] = {{"Owner", "me"}};

struct letters {
    size_t left;
};

static int give(void *ctx, void *out, size_t size, size_t *ret_len, struct mir_error *err)
{
    struct letters *letters = ctx;
    *ret_len = letters->left < size ? letters->left : size;
    memset(out, 'x', *ret_len);
    letters->left -= *ret_len;
    return 0;
}

static void one(const char *container)
{
    const struct os_object_at at = {container, "folder/a name?&#%"};
    int64_t end = mir_now_s(mir_clock_system()) + 3600;
    struct os_put_object args = {.data = "hello",
                                 .len = 5,
                                 .content_type = "text/plain",
                                 .md5 = "5d41402abc4b2a76b9719d911017c592",
                                 .delete_at_s = end,
                                 .metadata = metadata,
                                 .metadata_count = 1};
    struct os_object_head head = {0};
    char etag[OS_ETAG_TEXT] = "", text[16] = "";
    mir_auto_buf struct mir_buf got;
    mir_buf_init(&got, 100);
    DOES(os_object_put(real.session, &at, &args, real.until_ms, etag, &real.err));
    EXPECT(!strcmp(etag, args.md5));
    args.md5 = "00000000000000000000000000000000";
    REFUSED(os_object_put(real.session, &at, &args, real.until_ms, NULL, &real.err), MIR_USAGE);
    DOES(os_object_head(real.session, &at, real.until_ms, &head, &real.err));
    EXPECT(head.bytes == 5 && head.delete_at_s == end && !strcmp(head.content_type, "text/plain"));
    EXPECT(!os_object_metadata(&head, "owner", text, sizeof text) && !strcmp(text, "me"));
    EXPECT(head.modified_s > 1700000000 && !head.segments);
    os_object_head_clear(&head);
    DOES(os_object_get(real.session, &at, 0, 0, real.until_ms, &got, &real.err));
    DOES(os_object_get(real.session, &at, 1, 3, real.until_ms, &got, &real.err));
    EXPECT(!strcmp(mir_buf_text(&got), "helloell"));
    DOES(os_object_delete(real.session, &at, false, real.until_ms, &real.err));
    REFUSED(os_object_delete(real.session, &at, false, real.until_ms, &real.err), MIR_NOT_FOUND);
    REFUSED(os_object_head(real.session, &at, real.until_ms, &head, &real.err), MIR_NOT_FOUND);
}

static void segments(const char *container)
{
    const struct os_object_at whole = {container, "whole"}, late = {container, "late"};
    struct os_segment rows[] = {{.at = {container, "part/1"}, .bytes = 5},
                                {.at = {container, "part/2"}, .bytes = 300000}};
    struct os_put_object first = {.data = "hello", .len = 5}, plain = {.data = NULL};
    struct letters letters = {300000};
    struct os_put_object second = {.stream = {give, &letters, MIR_HTTP_LENGTH_UNKNOWN}};
    struct os_object_head head = {0};
    struct os_object_rows list = {0};
    DOES(os_object_put(real.session, &rows[0].at, &first, real.until_ms, NULL, &real.err));
    DOES(os_object_put(real.session, &rows[1].at, &second, real.until_ms, NULL, &real.err));
    DOES(os_object_put_segments(real.session, &whole, rows, 2, &plain, real.until_ms, &real.err));
    DOES(os_object_head(real.session, &whole, real.until_ms, &head, &real.err));
    EXPECT(head.segments && head.bytes == 300005);
    mir_auto_free char *prefix = mir_format("%s/part/", container);
    plain.manifest = prefix;
    DOES(os_object_put(real.session, &late, &plain, real.until_ms, NULL, &real.err));
    DOES(os_object_head(real.session, &late, real.until_ms, &head, &real.err));
    EXPECT(!head.segments && head.bytes == 300005);
    os_object_head_clear(&head);
    DOES(os_object_list(real.session, container, "part/", real.until_ms, &list, &real.err));
    EXPECT(list.count == 2 && !strcmp(list.rows[0].name, "part/1") && list.rows[1].bytes == 300000);
    EXPECT(list.count > 0 && list.rows[0].modified_s > 1700000000 && *list.rows[0].hash);
    REFUSED(os_container_delete(real.session, container, real.until_ms, &real.err), MIR_CONFLICT);
    DOES(os_object_delete(real.session, &late, false, real.until_ms, &real.err));
    DOES(os_object_delete(real.session, &whole, true, real.until_ms, &real.err));
    DOES(os_object_list(real.session, container, NULL, real.until_ms, &list, &real.err));
    EXPECT(list.count == 0);
    os_object_rows_clear(&list);
}

static void temp_url(const char *container)
{
    const struct os_object_at at = {container, "shown to all"};
    struct os_put_object args = {.data = "hello", .len = 5};
    mir_auto_secret struct mir_secret key = {0};
    mir_auto_http_response struct mir_http_response response = {0};
    char *url = NULL;
    mir_secret_set(&key, "a key", 5, NULL);
    DOES(os_object_put(real.session, &at, &args, real.until_ms, NULL, &real.err));
    DOES(os_object_set_temp_key(real.session, &key, real.until_ms, &real.err));
    DOES(os_object_temp_url(real.session, &at, "GET", mir_now_s(mir_clock_system()) + 600, &key,
                            real.until_ms, &url, &real.err));
    struct mir_http_request request = {.url = url};
    if (DOES(mir_http_do(&request, &response, &real.err)))
        EXPECT(response.status == 200 || response.status == 401);
    if (response.status == 401)
        printf("# this Swift has no tempurl\n");
    DOES(os_object_delete(real.session, &at, false, real.until_ms, &real.err));
    free(url);
}

void real_objects(void)
{
    bool has = false;
    struct os_containers list = {0};
    DOES(os_session_has(real.session, OS_OBJECT_STORE, real.until_ms, &has, &real.err));
    if (!has) {
        printf("# no Swift here\n");
        return;
    }
    if (!DOES(os_container_create(real.session, real.name, real.until_ms, &real.err)))
        return;
    DOES(os_container_create(real.session, real.name, real.until_ms, &real.err));
    DOES(os_container_list(real.session, real.until_ms, &list, &real.err));
    EXPECT(list.count > 0);
    os_containers_clear(&list);
    one(real.name);
    segments(real.name);
    temp_url(real.name);
    DOES(os_container_delete(real.session, real.name, real.until_ms, &real.err));
    REFUSED(os_container_delete(real.session, real.name, real.until_ms, &real.err), MIR_NOT_FOUND);
}
