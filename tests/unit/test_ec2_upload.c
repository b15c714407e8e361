/* SPDX-License-Identifier: ISC */
/* Whole uploads into an EBS that is played by the test, and goes wrong. */
#include "ec2/upload.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/clock.h"
#include "ebs_play.h"
#include "scratch.h"

#define MIB ((uint64_t)1 << 20)
#define VOLUME (EBS_PLAY_BLOCKS * (uint64_t)EC2_EBS_BLOCK)

/* A disk as a list of runs whose bytes follow from their places. */
struct disk {
    const struct span {
        uint64_t offset, len;
    } * spans;
    size_t count, at;
    uint64_t done; /* of the current one */
    size_t piece;  /* bytes of one run, at most; 0: all */
    int fail_at;   /* this call fails; 0: none */
    int calls;
    unsigned char *buffer; /* owned */
};

static unsigned char byte_at(uint64_t place)
{
    return (unsigned char)(1 + (place * 2654435761u >> 13) % 255);
}

static int next_run(void *ctx, struct ec2_piece *ret, struct mir_error *err)
{
    struct disk *d = ctx;
    if (++d->calls == d->fail_at)
        return mir_fail(err, MIR_CORRUPT, "the stream broke");
    *ret = (struct ec2_piece){0};
    if (d->at == d->count)
        return 0;
    const struct span *s = &d->spans[d->at];
    uint64_t left = s->len - d->done;
    size_t len = d->piece && d->piece < left ? d->piece : (size_t)left;
    free(d->buffer);
    d->buffer = mir_calloc(len, 1);
    for (size_t i = 0; i < len; i++)
        d->buffer[i] = byte_at(s->offset + d->done + i);
    *ret = (struct ec2_piece){s->offset + d->done, d->buffer, len};
    d->done += len;
    if (d->done == s->len) {
        d->at++;
        d->done = 0;
    }
    return 0;
}

struct fixture {
    struct ebs_play play;
    struct talk_server *server;
    struct ec2_session *session;
    struct disk disk;
    struct ec2_upload_settings settings;
    struct ec2_upload_result result;
    struct mir_error err;
    atomic_int waits;
    uint64_t told, stop_at;
};

static void no_wait(void *ctx, int64_t ms)
{
    struct fixture *f = ctx;
    atomic_fetch_add(&f->waits, 1);
}

static struct fixture *begin(const struct span *spans, size_t count)
{
    struct fixture *f = mir_calloc(1, sizeof *f);
    ebs_play_init(&f->play);
    f->server = talk_server_start(ebs_play_answer, &f->play);
    f->session = ebs_play_session(f->server, 3);
    f->disk.spans = spans;
    f->disk.count = count;
    f->settings.wait = no_wait;
    f->settings.wait_ctx = f;
    f->settings.ctx = f;
    return f;
}

static void end(struct fixture *f)
{
    ec2_session_free(f->session);
    talk_server_stop(f->server);
    ebs_play_clear(&f->play);
    free(f->disk.buffer);
    free(f);
}

static int upload(struct fixture *f)
{
    struct ec2_upload_source source = {next_run, &f->disk};
    return ec2_upload(f->session, EBS_PLAY_ID, VOLUME, &source, &f->settings,
                      ec2_until(f->session, 60000), &f->result, &f->err);
}

/* What is in the snapshot is what was written: those blocks, the rest of them zeros, no other. */
static void check_snapshot(const struct fixture *f)
{
    unsigned char *want = mir_calloc(EC2_EBS_BLOCK, 1);
    for (uint64_t b = 0; b < EBS_PLAY_BLOCKS; b++) {
        uint64_t from = b * EC2_EBS_BLOCK, to = from + EC2_EBS_BLOCK;
        bool written = false;
        memset(want, 0, EC2_EBS_BLOCK);
        for (size_t i = 0; i < f->disk.count; i++) {
            const struct span *s = &f->disk.spans[i];
            uint64_t a = s->offset > from ? s->offset : from;
            uint64_t z = s->offset + s->len < to ? s->offset + s->len : to;
            for (uint64_t p = a; p < z; p++)
                want[p - from] = byte_at(p);
            written = written || a < z;
        }
        assert_int_equal(f->play.blocks[b] != NULL, written);
        if (written)
            assert_memory_equal(f->play.blocks[b], want, EC2_EBS_BLOCK);
    }
    free(want);
}

static void check_done(struct fixture *f)
{
    assert_int_equal(f->play.completed, 1);
    assert_string_equal(f->play.bad, "");
    assert_int_equal(f->result.blocks, f->play.block_count);
    assert_string_equal(f->result.status, "pending");
    check_snapshot(f);
}

/* A partition table, a piece that crosses two blocks, neighbours in one block, and the very end. */
static const struct span sparse[] = {{0, 512},         {MIB - 5, 10},      {2 * MIB, 3 * MIB + 17},
                                     {6 * MIB + 1, 1}, {6 * MIB + 600, 1}, {700 * MIB, 1},
                                     {VOLUME - 1, 1}};

static void sends_what_was_written_and_nothing_else(void **state)
{
    static const size_t pieces[] = {0, 1, 511, 65536, 262144, 524288, 524289};
    for (size_t i = 0; i < MIR_NELEMS(pieces); i++) {
        struct span few[] = {{100, 3000}, {EC2_EBS_BLOCK - 100, 200}, {3 * EC2_EBS_BLOCK, 90}};
        bool small = pieces[i] == 1;
        struct fixture *f =
            begin(small ? few : sparse, small ? MIR_NELEMS(few) : MIR_NELEMS(sparse));
        f->disk.piece = pieces[i];
        assert_int_equal(upload(f), 0);
        assert_int_equal(f->result.blocks, small ? 3 : 13);
        assert_int_equal(f->result.attempts, f->result.blocks);
        assert_int_equal(f->waits, 0);
        check_done(f);
        end(f);
    }
}

/* --- on top of a parent --- */

static const unsigned char *block_of(const struct fixture *f, uint64_t index)
{
    return f->play.blocks[index];
}

/* What a disk of these spans has in it, as an upload of it tells. */
static void content_of(const struct span *spans, size_t count, struct ec2_content *ret)
{
    struct fixture *f = begin(spans, count);
    f->settings.content = ret;
    assert_int_equal(upload(f), 0);
    assert_int_equal(ret->count, f->result.blocks);
    assert_int_equal(f->result.sent, f->result.blocks);
    for (size_t i = 0; i < ret->count; i++) {
        unsigned char digest[EC2_EBS_DIGEST];
        SHA256(block_of(f, ret->rows[i].index), EC2_EBS_BLOCK, digest);
        assert_memory_equal(ret->rows[i].digest, digest, sizeof digest);
        assert_true(i == 0 || ret->rows[i - 1].index < ret->rows[i].index);
    }
    end(f);
}

/* Read without sending it, it is the same. */
static void check_read(const struct span *spans, size_t count, const struct ec2_content *want)
{
    struct disk disk = {.spans = spans, .count = count, .piece = 70000};
    const struct ec2_upload_source source = {next_run, &disk};
    ec2_auto_content struct ec2_content found = {0};
    struct mir_error err;
    assert_int_equal(ec2_content_read(&source, VOLUME, &found, &err), 0);
    assert_int_equal(found.count, want->count);
    assert_int_equal(ec2_content_differs(&found, want), 0);
    free(disk.buffer);
}

static void sends_only_what_the_parent_has_not(void **state)
{
    enum { B = EC2_EBS_BLOCK };
    static const struct span parent_has[] = {{0, 9 * B + 4}, {20 * B, 10}, {30 * B, 2 * B}};
    /* The first eight are the same; then a longer end, one that is gone, one that is new, one that
     * starts otherwise and one that is the same. */
    static const struct span disk_has[] = {
        {0, 9 * B + 5}, {25 * B, 1}, {30 * B + 1, B - 1}, {31 * B, B}, {40 * B, 1}};
    static const uint64_t sent[] = {9, 20, 25, 30, 40};
    ec2_auto_content struct ec2_content parent = {0}, disk = {0};
    content_of(parent_has, MIR_NELEMS(parent_has), &parent);
    content_of(disk_has, MIR_NELEMS(disk_has), &disk);
    check_read(disk_has, MIR_NELEMS(disk_has), &disk);
    assert_int_equal(ec2_content_differs(&disk, &parent), MIR_NELEMS(sent));

    ec2_auto_content struct ec2_content content = {0};
    struct fixture *f = begin(disk_has, MIR_NELEMS(disk_has));
    f->settings.parent = &parent;
    f->settings.content = &content;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->play.completed, 1);
    assert_string_equal(f->play.bad, "");
    assert_int_equal(f->result.sent, MIR_NELEMS(sent));
    assert_int_equal(f->result.blocks, 15);
    for (uint64_t i = 0, at = 0; i < EBS_PLAY_BLOCKS; i++) {
        bool wanted = at < MIR_NELEMS(sent) && sent[at] == i;
        assert_int_equal(f->play.blocks[i] != NULL, wanted);
        at += wanted;
    }
    for (size_t i = 0; i < B; i++)
        assert_int_equal(block_of(f, 20)[i], 0);
    /* The block that is zeros now is one of it. */
    assert_int_equal(content.count, disk.count + 1);
    assert_int_equal(ec2_content_differs(&content, &parent), MIR_NELEMS(sent));
    end(f);
}

static void sends_nothing_of_what_is_there(void **state)
{
    ec2_auto_content struct ec2_content parent = {0};
    content_of(sparse, MIR_NELEMS(sparse), &parent);
    struct fixture *f = begin(sparse, MIR_NELEMS(sparse));
    f->settings.parent = &parent;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->play.puts, 0);
    assert_int_equal(f->play.completed, 1);
    assert_int_equal(f->result.blocks, 13);
    end(f);
    /* A parent that ends later than the disk. */
    f = begin(sparse, 1);
    f->settings.parent = &parent;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->play.puts, 12);
    assert_int_equal(f->play.completed, 1);
    end(f);
    /* What fails tells no content. */
    ec2_auto_content struct ec2_content content = {0};
    f = begin(sparse, MIR_NELEMS(sparse));
    f->disk.fail_at = 3;
    f->settings.parent = &parent;
    f->settings.content = &content;
    assert_int_equal(upload(f), -1);
    assert_int_equal(content.count, 0);
    assert_int_equal(f->play.completed, 0);
    end(f);
}

static void sends_an_empty_disk(void **state)
{
    struct fixture *f = begin(NULL, 0);
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->result.blocks, 0);
    assert_int_equal(f->play.puts, 0);
    check_done(f);
    end(f);
}

static const struct span large[] = {{0, 50 * MIB}};

static void sends_in_parallel_over_few_connections(void **state)
{
    struct fixture *f = begin(large, 1);
    f->play.delay_ms = 30;
    assert_int_equal(upload(f), 0);
    assert_in_range(f->play.most, 8, EC2_UPLOAD_CONCURRENCY);
    /* The server may see one end later than the client. */
    assert_in_range(f->result.most, f->play.most - 2, EC2_UPLOAD_CONCURRENCY);
    assert_in_range(talk_server_connections(f->server), f->play.most - 2, f->result.most + 2);
    check_done(f);
    end(f);

    f = begin(large, 1);
    f->settings.concurrency_max = 1;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->play.most, 1);
    assert_int_equal(talk_server_connections(f->server), 1);
    check_done(f);
    end(f);
}

static void goes_slower_where_it_is_throttled(void **state)
{
    struct fixture *f = begin(large, 1);
    f->play.delay_ms = 5;
    f->play.parallel_max = 4;
    f->play.refuse_code = "RequestThrottledException";
    f->play.refuse_status = 400;
    assert_int_equal(upload(f), 0);
    assert_true(f->result.attempts > f->result.blocks);
    assert_true(f->result.attempts < 2 * f->result.blocks);
    check_done(f);
    end(f);
}

static void goes_on_after_lost_answers(void **state)
{
    static const struct span some[] = {{0, 20 * MIB}};
    struct fixture *f = begin(some, 1);
    f->play.drop_every = 3;
    assert_int_equal(upload(f), 0);
    assert_true(f->result.attempts > f->result.blocks);
    check_done(f);
    end(f);
}

static void waits_for_a_snapshot_to_be_known(void **state)
{
    static const struct span some[] = {{0, 3 * MIB}};
    struct fixture *f = begin(some, 1);
    f->play.refuse_first = 150;
    f->play.refuse_code = "ResourceNotFoundException";
    f->play.refuse_status = 404;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->waits, 150);
    check_done(f);
    end(f);
}

static void a_refusal_for_good_ends_it(void **state)
{
    struct fixture *f = begin(large, 1);
    f->play.refuse_one = true;
    f->play.refuse_block = 20;
    f->play.refuse_code = "AccessDeniedException";
    f->play.refuse_status = 403;
    assert_int_equal(upload(f), -1);
    assert_string_equal(f->err.provider_code, "AccessDeniedException");
    assert_non_null(strstr(f->err.text, "block 20 of " EBS_PLAY_ID));
    assert_int_equal(f->err.outcome, MIR_DID_NOT_HAPPEN);
    assert_int_equal(f->play.completed, 0);
    assert_true(f->play.puts < 200);
    end(f);
}

static void a_block_is_not_tried_for_ever(void **state)
{
    struct fixture *f = begin(large, 1);
    f->play.refuse_one = true;
    f->play.refuse_block = 0;
    f->play.refuse_code = "InternalServerException";
    f->play.refuse_status = 500;
    assert_int_equal(upload(f), -1);
    assert_string_equal(f->err.provider_code, "InternalServerException");
    assert_int_equal(f->waits, 11);
    assert_int_equal(f->play.completed, 0);
    end(f);
}

static void a_block_that_arrives_changed_is_sent_again(void **state)
{
    static const struct span some[] = {{0, 1}};
    struct fixture *f = begin(some, 1);
    f->play.wrong_checksum = "AAAA";
    assert_int_equal(upload(f), -1);
    assert_int_equal(f->err.kind, MIR_CORRUPT);
    assert_int_equal(f->play.puts, 12);
    assert_int_equal(f->play.completed, 0);
    end(f);
}

static void completes_nothing_of_a_broken_stream(void **state)
{
    for (int at = 1; at < 8; at += 3) {
        struct fixture *f = begin(sparse, MIR_NELEMS(sparse));
        f->disk.fail_at = at;
        assert_int_equal(upload(f), -1);
        assert_int_equal(f->err.kind, MIR_CORRUPT);
        assert_string_equal(f->err.text, "the stream broke");
        assert_int_equal(f->play.completed, 0);
        end(f);
    }
    static const struct span bad[][2] = {{{MIB, 10}, {MIB + 9, 1}},
                                         {{MIB, 10}, {0, 1}},
                                         {{0, 1}, {VOLUME, 1}},
                                         {{0, 1}, {VOLUME - 1, 2}},
                                         {{0, 1}, {UINT64_MAX - 1, 1}}};
    for (size_t i = 0; i < MIR_NELEMS(bad); i++) {
        struct fixture *f = begin(bad[i], 2);
        assert_int_equal(upload(f), -1);
        assert_int_equal(f->err.kind, MIR_CORRUPT);
        assert_int_equal(f->play.completed, 0);
        end(f);
    }
}

static void says_when_completing_failed(void **state)
{
    struct fixture *f = begin(sparse, MIR_NELEMS(sparse));
    f->play.loses_a_block = true;
    assert_int_equal(upload(f), -1);
    assert_string_equal(f->err.provider_code, "ValidationException");
    assert_int_equal(f->result.blocks, 13);
    end(f);
}

static void note(void *ctx, uint64_t there)
{
    struct fixture *f = ctx;
    assert_true(there >= f->told);
    f->told = there;
}

static bool stop(void *ctx)
{
    struct fixture *f = ctx;
    return f->stop_at && f->told >= f->stop_at;
}

static void tells_how_far_it_is_and_stops_when_told(void **state)
{
    struct fixture *f = begin(large, 1);
    f->settings.progress = note;
    f->settings.stop = stop;
    assert_int_equal(upload(f), 0);
    assert_int_equal(f->told, 100);
    check_done(f);
    end(f);

    f = begin(large, 1);
    f->settings.progress = note;
    f->settings.stop = stop;
    f->stop_at = 20;
    assert_int_equal(upload(f), -1);
    assert_int_equal(f->err.kind, MIR_INTERRUPTED);
    assert_true(f->play.puts < 90);
    assert_int_equal(f->play.completed, 0);
    end(f);
}

static void ends_at_its_deadline(void **state)
{
    struct fixture *f = begin(large, 1);
    f->play.delay_ms = 5000;
    struct ec2_upload_source source = {next_run, &f->disk};
    int64_t begun = mir_clock_system()->boot_ms(NULL);
    assert_int_equal(ec2_upload(f->session, EBS_PLAY_ID, VOLUME, &source, &f->settings,
                                ec2_until(f->session, 600), &f->result, &f->err),
                     -1);
    assert_int_equal(f->err.kind, MIR_TIMEOUT);
    assert_true(mir_clock_system()->boot_ms(NULL) - begun < f->play.delay_ms);
    assert_int_equal(f->play.completed, 0);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_what_was_written_and_nothing_else),
        cmocka_unit_test(sends_only_what_the_parent_has_not),
        cmocka_unit_test(sends_nothing_of_what_is_there),
        cmocka_unit_test(sends_an_empty_disk),
        cmocka_unit_test(sends_in_parallel_over_few_connections),
        cmocka_unit_test(goes_slower_where_it_is_throttled),
        cmocka_unit_test(goes_on_after_lost_answers),
        cmocka_unit_test(waits_for_a_snapshot_to_be_known),
        cmocka_unit_test(a_refusal_for_good_ends_it),
        cmocka_unit_test(a_block_is_not_tried_for_ever),
        cmocka_unit_test(a_block_that_arrives_changed_is_sent_again),
        cmocka_unit_test(completes_nothing_of_a_broken_stream),
        cmocka_unit_test(says_when_completing_failed),
        cmocka_unit_test(tells_how_far_it_is_and_stops_when_told),
        cmocka_unit_test(ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
