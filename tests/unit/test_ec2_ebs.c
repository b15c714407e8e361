/* SPDX-License-Identifier: ISC */
#include "ec2/ebs.h"

#include <jansson.h>
#include <openssl/sha.h>

#include "ebs_play.h"
#include "scratch.h"

struct fixture {
    struct ebs_play play;
    struct talk_server *server;
    struct ec2_session *session;
};

static struct fixture *begin(void)
{
    struct fixture *f = mir_calloc(1, sizeof *f);
    ebs_play_init(&f->play);
    f->server = talk_server_start(ebs_play_answer, &f->play);
    f->session = ebs_play_session(f->server, 3);
    return f;
}

static void end(struct fixture *f)
{
    ec2_session_free(f->session);
    talk_server_stop(f->server);
    ebs_play_clear(&f->play);
    free(f);
}

static int64_t until(const struct fixture *f)
{
    return ec2_until(f->session, 20000);
}

static int put(struct fixture *f, uint64_t index, int fill, struct mir_error *err)
{
    struct ec2_ebs_put args = {.snapshot_id = EBS_PLAY_ID, .index = index};
    unsigned char *data = mir_calloc(1, EC2_EBS_BLOCK);
    memset(data, fill, EC2_EBS_BLOCK);
    SHA256(data, EC2_EBS_BLOCK, args.digest);
    args.data = data;
    int rc = ec2_ebs_put_block(f->session, &args, until(f), err);
    free(data);
    return rc;
}

static void starts_a_snapshot(void **state)
{
    struct fixture *f = begin();
    const struct ec2_pair tags[] = {{"Name", "x"}, {"owner", "me"}};
    struct ec2_ebs_start args = {.volume_gib = 3,
                                 .description = "a \"disk\"",
                                 .tags = tags,
                                 .tag_count = 2,
                                 .token = "token-1",
                                 .timeout_min = 60};
    struct ec2_ebs_snapshot snapshot = {0};
    assert_int_equal(ec2_ebs_start_snapshot(f->session, &args, until(f), &snapshot, NULL), 0);
    assert_string_equal(snapshot.id, EBS_PLAY_ID);
    assert_string_equal(snapshot.status, "pending");
    assert_int_equal(snapshot.volume_gib, 3);
    json_t *sent = json_loads(f->play.start_body, 0, NULL);
    json_t *want = json_loads("{\"VolumeSize\":3,\"Description\":\"a \\\"disk\\\"\",\"Tags\":["
                              "{\"Key\":\"Name\",\"Value\":\"x\"},{\"Key\":\"owner\",\"Value\":"
                              "\"me\"}],\"ClientToken\":\"token-1\",\"Timeout\":60}",
                              0, NULL);
    assert_true(json_equal(sent, want));
    json_decref(sent);
    json_decref(want);

    struct mir_error err = {0};
    args.token = "";
    assert_int_equal(ec2_ebs_start_snapshot(f->session, &args, until(f), &snapshot, &err), -1);
    assert_int_equal(err.kind, MIR_USAGE);
    end(f);
}

static void puts_completes_lists_and_reads(void **state)
{
    struct fixture *f = begin();
    static const int indexes[] = {0, 1, 5, 7, 4000};
    unsigned char digests[MIR_NELEMS(indexes)][32], digest[32], data[16];
    unsigned char *block = mir_calloc(1, EC2_EBS_BLOCK);
    char status[16];
    for (size_t i = 0; i < MIR_NELEMS(indexes); i++) {
        assert_int_equal(put(f, (uint64_t)indexes[i], 'a' + (int)i, NULL), 0);
        memset(block, 'a' + (int)i, EC2_EBS_BLOCK);
        SHA256(block, EC2_EBS_BLOCK, digests[i]);
    }
    SHA256(digests[0], sizeof digests, digest);
    assert_int_equal(ec2_ebs_complete_snapshot(f->session, EBS_PLAY_ID, MIR_NELEMS(indexes), digest,
                                               until(f), status, NULL),
                     0);
    assert_string_equal(status, "pending");
    assert_int_equal(f->play.completed, 1);

    for (int changed = 0; changed < 2; changed++) {
        ec2_auto_ebs_blocks struct ec2_ebs_blocks blocks = {0};
        assert_int_equal(ec2_ebs_list_blocks(f->session, EBS_PLAY_ID,
                                             changed ? "snap-before" : NULL, until(f), &blocks,
                                             NULL),
                         0);
        assert_int_equal(blocks.count, MIR_NELEMS(indexes));
        assert_int_equal(blocks.volume_gib, 3);
        for (size_t i = 0; i < blocks.count; i++) {
            assert_int_equal(blocks.rows[i].index, indexes[i]);
            assert_null(blocks.rows[i].first_token);
            assert_int_equal(ec2_ebs_get_block(f->session, EBS_PLAY_ID,
                                               (uint64_t)blocks.rows[i].index, blocks.rows[i].token,
                                               until(f), block, NULL),
                             0);
            memset(data, 'a' + (int)i, sizeof data);
            assert_memory_equal(block + EC2_EBS_BLOCK - sizeof data, data, sizeof data);
        }
    }
    assert_string_equal(f->play.bad, "");
    assert_int_equal(talk_server_connections(f->server), 1);
    free(block);
    end(f);
}

static void says_what_was_refused(void **state)
{
    struct fixture *f = begin();
    struct mir_error err = {0};
    unsigned char digest[32] = {0};
    unsigned char *block = mir_calloc(1, EC2_EBS_BLOCK);
    assert_int_equal(put(f, 3, 'x', NULL), 0);
    assert_int_equal(
        ec2_ebs_complete_snapshot(f->session, EBS_PLAY_ID, 1, digest, until(f), NULL, &err), -1);
    assert_string_equal(err.provider_code, "ValidationException");
    assert_int_equal(err.outcome, MIR_DID_NOT_HAPPEN);
    assert_int_equal(ec2_ebs_get_block(f->session, EBS_PLAY_ID, 3, "wrong", until(f), block, &err),
                     -1);
    assert_string_equal(err.provider_code, "ValidationException");

    f->play.wrong_checksum = "AAAA";
    assert_int_equal(put(f, 4, 'x', &err), -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    block[0] = 7;
    assert_int_equal(ec2_ebs_get_block(f->session, EBS_PLAY_ID, 3, "t/3==", until(f), block, &err),
                     -1);
    assert_int_equal(err.kind, MIR_CORRUPT);
    assert_int_equal(block[0], 7);
    free(block);
    end(f);
}

static void tries_again_as_the_session_does(void **state)
{
    struct fixture *f = begin();
    struct mir_error err = {0};
    f->play.refuse_first = 2;
    f->play.refuse_code = "RequestThrottledException";
    f->play.refuse_status = 400;
    assert_int_equal(put(f, 3, 'x', NULL), 0);
    assert_int_equal(f->play.puts, 3);
    f->play.refuse_first = 100;
    f->play.refuse_code = "AccessDeniedException";
    f->play.refuse_status = 403;
    assert_int_equal(put(f, 3, 'x', &err), -1);
    assert_int_equal(f->play.puts, 4);
    assert_string_equal(err.provider_code, "AccessDeniedException");
    end(f);
}

/* --- answers that are none --- */

static void say_text(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    mir_buf_adds(&say->body, ctx);
}

static void survives_what_it_is_told(void **state)
{
    static const char *const answers[] = {
        "",
        "{}",
        "[]",
        "<html>",
        "{\"Blocks\":[]}",
        "{\"BlockSize\":1024,\"Blocks\":[]}",
        "{\"BlockSize\":524288,\"Blocks\":[{\"BlockIndex\":1}]}",
        "{\"BlockSize\":524288,\"Blocks\":[{\"BlockToken\":\"x\"}]}",
        "{\"BlockSize\":524288,\"Blocks\":[{\"BlockIndex\":\"one\",\"BlockToken\":\"x\"}]}",
        ("{\"BlockSize\":524288,\"Blocks\":[{\"BlockIndex\":2,\"BlockToken\":\"x\"},"
         "{\"BlockIndex\":2,\"BlockToken\":\"x\"}]}"),
        "{\"BlockSize\":524288,\"Blocks\":[{\"BlockIndex\":-1,\"BlockToken\":\"x\"}]}",
        "{\"BlockSize\":524288,\"Blocks\":[],\"NextToken\":\"same\"}",
        "{\"BlockSize\":524288,\"Blocks\":7}",
    };
    for (size_t i = 0; i < MIR_NELEMS(answers); i++) {
        struct talk_server *server = talk_server_start(say_text, (void *)(uintptr_t)answers[i]);
        struct ec2_session *session = ebs_play_session(server, 2);
        ec2_auto_ebs_blocks struct ec2_ebs_blocks blocks = {0};
        struct ec2_ebs_snapshot snapshot;
        struct ec2_ebs_start start = {.volume_gib = 1, .token = "t"};
        struct mir_error err = {0};
        print_message("  %s\n", answers[i]);
        assert_int_equal(ec2_ebs_list_blocks(session, EBS_PLAY_ID, NULL, ec2_until(session, 10000),
                                             &blocks, &err),
                         -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_int_equal(blocks.count, 0);
        assert_int_equal(
            ec2_ebs_start_snapshot(session, &start, ec2_until(session, 10000), &snapshot, &err),
            -1);
        assert_int_equal(err.kind, MIR_CORRUPT);
        assert_int_equal(err.outcome, MIR_OUTCOME_UNKNOWN);
        ec2_session_free(session);
        talk_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_a_snapshot),
        cmocka_unit_test(puts_completes_lists_and_reads),
        cmocka_unit_test(says_what_was_refused),
        cmocka_unit_test(tries_again_as_the_session_does),
        cmocka_unit_test(survives_what_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
