/* SPDX-License-Identifier: ISC */
/* The link's messages and frames, and the announcements that are read from a stranger. */
#include "api/json.h"
#include "daemon/link_message.h"
#include "daemon/public_server.h"
#include "mird_pages.h"

static void test_messages_round_trip(void **state)
{
    struct mird_site site = {.name = "hello", .url = "http://x.example/", .added_s = 5};
    struct mird_link_message all[] = {
        sites_message(&site, 1),
        {.type = MIRD_LINK_SOON, .name = "hello", .seconds = 60},
        {.type = MIRD_LINK_READY},
        {.type = MIRD_LINK_PROBE, .probe = {.name = "hello", .ok = true, .status = 200}},
        {.type = MIRD_LINK_ANNOUNCE, .name = "hello", .url = "http://x.example/", .token = TOKEN},
    };
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    mir_auto_buf struct mir_buf in;
    mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
    for (size_t i = 0; i < MIR_NELEMS(all); i++)
        assert_int_equal(mird_link_send(ends[0], &all[i], NULL), 0);
    assert_int_equal(mird_link_read(ends[1], &in, NULL), 1);
    for (size_t i = 0; i < MIR_NELEMS(all); i++) {
        struct mird_link_message m;
        assert_int_equal(mird_link_take(&in, &m, NULL), 1);
        json_t *sent = mird_link_message_json(&all[i]), *got = mird_link_message_json(&m);
        assert_true(json_equal(sent, got));
        json_decref(sent);
        json_decref(got);
        mird_link_message_clear(&m);
        mird_link_message_clear(&all[i]);
    }
    assert_int_equal(in.len, 0);
    close(ends[0]);
    assert_int_equal(mird_link_read(ends[1], &in, NULL), 0);
    close(ends[1]);
}

struct frame {
    const char *json;
    int taken; /* as mird_link_take answers */
};

static void test_bad_frames(void **state)
{
    static const struct frame frames[] = {
        {"{\"type\":\"ready\"}", 1},
        {"{\"type\":\"from-the-future\",\"x\":1}", 1},
        {"{}", -1},
        {"[]", -1},
        {" 5", -1},
        {"{\"type\":5}", -1},
        {"{\"type\":\"ready\"", -1},
        {"{\"type\":\"soon\"}", -1},
        {"{\"type\":\"soon\",\"name\":\"a\",\"seconds\":-1}", -1},
        {"{\"type\":\"soon\",\"name\":\"a\",\"seconds\":999999}", -1},
        {"{\"type\":\"soon\",\"name\":\"<a>\",\"seconds\":1}", -1},
        {"{\"type\":\"probe\"}", -1},
        {"{\"type\":\"probe\",\"probe\":{\"name\":\"a\",\"ok\":1}}", -1},
        {"{\"type\":\"announce\",\"name\":\"a\",\"url\":\"u\"}", -1},
        {"{\"type\":\"sites\",\"public_url\":\"\",\"installation\":\"\",\"key_pem\":\"\"}", -1},
        {"{\"type\":\"sites\",\"public_url\":\"\",\"installation\":\"\",\"key_pem\":\"\","
         "\"sites\":[{\"name\":\"a\"},{\"name\":\"\"}]}",
         -1},
    };
    for (size_t i = 0; i < MIR_NELEMS(frames); i++) {
        mir_auto_buf struct mir_buf in;
        mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
        size_t len = strlen(frames[i].json);
        const char head[4] = {0, 0, (char)(len >> 8), (char)len};
        mir_buf_add(&in, head, 4);
        struct mird_link_message m = {0};
        struct mir_error err = {0};
        assert_int_equal(mird_link_take(&in, &m, &err), 0); /* not whole yet */
        mir_buf_add(&in, frames[i].json, len);
        if (mird_link_take(&in, &m, &err) != frames[i].taken)
            fail_msg("frame %s", frames[i].json);
        if (frames[i].taken < 0)
            assert_int_equal(err.kind, MIR_CORRUPT);
        mird_link_message_clear(&m);
    }
    mir_auto_buf struct mir_buf in;
    mir_buf_init(&in, MIRD_LINK_BUFFER_MAX);
    struct mird_link_message m;
    mir_buf_add(&in, "\xff\xff\xff\xff", 4);
    assert_int_equal(mird_link_take(&in, &m, NULL), -1);
    mir_buf_reset(&in);
    mir_buf_add(&in, "\0\0\0\0", 4);
    assert_int_equal(mird_link_take(&in, &m, NULL), -1);
}

struct announcement {
    const char *json;
    bool good;
};

static void test_announcements_are_read_strictly(void **state)
{
    static const struct announcement list[] = {
        {"{\"name\":\"a\"," REST "}", true},
        {"{\"name\":\"a\",\"kernel\":\"hello\"," REST "}", true},
        {"{\"name\":\"a\",\"extra\":1," REST "}", false},
        {"{" REST "}", false},
        {"{\"name\":\"A b\"," REST "}", false},
        {"{\"name\":5," REST "}", false},
        {"{\"name\":\"a\",\"url\":\"ftp://x/\",\"token\":\"" TOKEN "\"}", false},
        {"{\"name\":\"a\",\"url\":\"http://x/\",\"token\":\"short\"}", false},
        {"[]", false},
    };
    for (size_t i = 0; i < MIR_NELEMS(list); i++) {
        json_t *json = json_loads(list[i].json, 0, NULL);
        struct mird_link_message m;
        struct mir_error err = {0};
        int rc = mird_announce_read(json, &m, &err);
        json_decref(json);
        if ((rc == 0) != list[i].good)
            fail_msg("%s: %s", list[i].json, err.text);
        if (rc)
            assert_int_equal(err.kind, MIR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_round_trip),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_announcements_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
