/* SPDX-License-Identifier: ISC */
#include "ebs_play.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/id.h"
#include "api/memory.h"

void ebs_play_init(struct ebs_play *play)
{
    *play = (struct ebs_play){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void ebs_play_clear(struct ebs_play *play)
{
    for (size_t i = 0; i < EBS_PLAY_BLOCKS; i++)
        free(play->blocks[i]);
    pthread_mutex_destroy(&play->lock);
}

/* Notes what is wrong with a request, and refuses it. */
static void wrong(struct ebs_play *play, struct talk_server_say *say, const char *what)
{
    if (!*play->bad)
        mir_copy(play->bad, sizeof play->bad, what);
    say->status = 400;
    mir_buf_addf(&say->body, "{\"message\":\"%s\"}", what);
    mir_copy(say->headers, sizeof say->headers,
             "x-amzn-ErrorType: ValidationException:http://x\r\n");
}

static void refuse(const struct ebs_play *play, struct talk_server_say *say)
{
    say->status = play->refuse_status;
    snprintf(say->headers, sizeof say->headers, "x-amzn-ErrorType: %s\r\n", play->refuse_code);
    mir_buf_adds(&say->body, "{\"message\":\"no\"}");
}

static char *digest_of(const void *data, size_t len)
{
    unsigned char digest[32];
    SHA256(data, len, digest);
    return mir_base64(digest, sizeof digest);
}

static const char *check_put(const struct talk_server_ask *ask, char *checksum, size_t size)
{
    char text[256], hex[65];
    unsigned char digest[32];
    mir_auto_free char *want = digest_of(ask->body, ask->body_len);
    if (ask->body_len != EC2_EBS_BLOCK)
        return "a block of another length";
    talk_server_header(ask, "x-amz-Data-Length", text, sizeof text);
    if (strcmp(text, "524288") != 0)
        return "x-amz-Data-Length";
    talk_server_header(ask, "x-amz-Checksum-Algorithm", text, sizeof text);
    if (strcmp(text, "SHA256") != 0)
        return "x-amz-Checksum-Algorithm";
    talk_server_header(ask, "x-amz-Checksum", checksum, size);
    if (strcmp(checksum, want) != 0)
        return "x-amz-Checksum";
    talk_server_header(ask, "x-amz-content-sha256", text, sizeof text);
    SHA256((const unsigned char *)ask->body, ask->body_len, digest);
    mir_hex(digest, sizeof digest, hex);
    if (strcmp(text, hex) != 0)
        return "x-amz-content-sha256";
    talk_server_header(ask, "Authorization", text, sizeof text);
    return strstr(text, "/ebs/aws4_request") ? NULL : "Authorization";
}

static void one_less(void *ctx)
{
    struct ebs_play *play = ctx;
    pthread_mutex_lock(&play->lock);
    play->under_way--;
    pthread_mutex_unlock(&play->lock);
}

/* How the put with this number goes wrong; true: it is answered already. */
static bool goes_wrong(struct ebs_play *play, struct talk_server_say *say, int block)
{
    int number = play->puts++;
    play->under_way++;
    if (play->under_way > play->most)
        play->most = play->under_way;
    say->delay_ms = play->delay_ms;
    say->sent = one_less;
    if (play->late_every && number % play->late_every == 0)
        say->delay_ms = 700;
    if (play->drop_every && number % play->drop_every == 0)
        say->drop = true;
    if (number < play->refuse_first || (play->refuse_one && block == play->refuse_block) ||
        (play->parallel_max && play->under_way > play->parallel_max)) {
        refuse(play, say);
        return true;
    }
    return false;
}

static void put(struct ebs_play *play, const struct talk_server_ask *ask,
                struct talk_server_say *say)
{
    char checksum[256] = "";
    int block = -1;
    (void)sscanf(ask->target, "/snapshots/" EBS_PLAY_ID "/blocks/%d", &block);
    const char *what =
        block < 0 || block >= EBS_PLAY_BLOCKS ? "no such block" : check_put(ask, checksum, 256);
    pthread_mutex_lock(&play->lock);
    bool done = goes_wrong(play, say, block);
    if (!done && what)
        wrong(play, say, what);
    if (!done && !what) {
        if (!play->blocks[block])
            play->blocks[block] = mir_calloc(1, EC2_EBS_BLOCK);
        memcpy(play->blocks[block], ask->body, EC2_EBS_BLOCK);
        say->status = 201;
        snprintf(say->headers, sizeof say->headers,
                 "x-amz-Checksum: %s\r\nx-amz-Checksum-Algorithm: SHA256\r\n",
                 play->wrong_checksum ? play->wrong_checksum : checksum);
    }
    pthread_mutex_unlock(&play->lock);
}

static void complete(struct ebs_play *play, const struct talk_server_ask *ask,
                     struct talk_server_say *say)
{
    char count[32], checksum[256], method[32];
    struct mir_buf digests;
    mir_buf_init(&digests, (size_t)EBS_PLAY_BLOCKS * 32);
    int blocks = 0;
    for (size_t i = 0; i < EBS_PLAY_BLOCKS; i++)
        if (play->blocks[i]) {
            unsigned char digest[32];
            SHA256(play->blocks[i], EC2_EBS_BLOCK, digest);
            mir_buf_add(&digests, digest, sizeof digest);
            blocks++;
        }
    mir_auto_free char *want = digest_of(mir_buf_text(&digests), digests.len);
    mir_buf_clear(&digests);
    talk_server_header(ask, "x-amz-ChangedBlocksCount", count, sizeof count);
    talk_server_header(ask, "x-amz-Checksum", checksum, sizeof checksum);
    talk_server_header(ask, "x-amz-Checksum-Aggregation-Method", method, sizeof method);
    play->block_count = (int)strtol(count, NULL, 10);
    if (play->block_count != blocks || play->loses_a_block)
        wrong(play, say, "x-amz-ChangedBlocksCount");
    else if (strcmp(checksum, want) != 0 || strcmp(method, "LINEAR") != 0)
        wrong(play, say, "x-amz-Checksum");
    else {
        play->completed++;
        say->status = 202;
        mir_buf_adds(&say->body, "{\"Status\":\"pending\"}");
    }
}

static void start(struct ebs_play *play, const struct talk_server_ask *ask,
                  struct talk_server_say *say)
{
    mir_copy(play->start_body, sizeof play->start_body, ask->body);
    say->status = 201;
    mir_buf_adds(&say->body, "{\"SnapshotId\":\"" EBS_PLAY_ID "\",\"BlockSize\":524288,"
                             "\"Status\":\"pending\",\"VolumeSize\":3,\"StartTime\":1.5E9}");
}

/* Two blocks a page. */
static void list(struct ebs_play *play, const struct talk_server_ask *ask,
                 struct talk_server_say *say, bool changed)
{
    const char *at = strstr(ask->target, "pageToken=page-");
    int from = at ? (int)strtol(at + 15, NULL, 10) : 0, shown = 0, i = from;
    mir_buf_addf(&say->body, "{\"BlockSize\":524288,\"VolumeSize\":3,\"%s\":[",
                 changed ? "ChangedBlocks" : "Blocks");
    for (; i < EBS_PLAY_BLOCKS && shown < 2; i++)
        if (play->blocks[i])
            mir_buf_addf(&say->body, "%s{\"BlockIndex\":%d,\"%s\":\"t/%d==\"}", shown++ ? "," : "",
                         i, changed ? "SecondBlockToken" : "BlockToken", i);
    mir_buf_adds(&say->body, "]");
    if (i < EBS_PLAY_BLOCKS)
        mir_buf_addf(&say->body, ",\"NextToken\":\"page-%d\"", i);
    mir_buf_adds(&say->body, "}");
}

static void get(struct ebs_play *play, const struct talk_server_ask *ask,
                struct talk_server_say *say, int block)
{
    char token[64];
    snprintf(token, sizeof token, "?blockToken=t%%2F%d%%3D%%3D", block);
    if (block < 0 || block >= EBS_PLAY_BLOCKS || !play->blocks[block] ||
        !strstr(ask->target, token)) {
        wrong(play, say, "no such block, or not its token");
        return;
    }
    mir_auto_free char *checksum = digest_of(play->blocks[block], EC2_EBS_BLOCK);
    mir_buf_add(&say->body, play->blocks[block], EC2_EBS_BLOCK);
    snprintf(say->headers, sizeof say->headers,
             "x-amz-Data-Length: 524288\r\nx-amz-Checksum: %s\r\n"
             "x-amz-Checksum-Algorithm: SHA256\r\n",
             play->wrong_checksum ? play->wrong_checksum : checksum);
}

void ebs_play_answer(void *ctx, const struct talk_server_ask *ask, struct talk_server_say *say)
{
    struct ebs_play *play = ctx;
    static const char base[] = "/snapshots/" EBS_PLAY_ID "/";
    const char *rest =
        strncmp(ask->target, base, sizeof base - 1) ? "" : ask->target + sizeof base - 1;
    if (!strcmp(ask->method, "PUT") && !strncmp(rest, "blocks/", 7)) {
        put(play, ask, say);
        return;
    }
    pthread_mutex_lock(&play->lock);
    if (!strcmp(ask->method, "POST") && !strcmp(ask->target, "/snapshots"))
        start(play, ask, say);
    else if (!strcmp(ask->method, "POST") &&
             !strcmp(ask->target, "/snapshots/completion/" EBS_PLAY_ID))
        complete(play, ask, say);
    else if (!strcmp(ask->method, "GET") && !strncmp(rest, "blocks?", 7))
        list(play, ask, say, false);
    else if (!strcmp(ask->method, "GET") && !strncmp(rest, "changedblocks?", 14))
        list(play, ask, say, true);
    else if (!strcmp(ask->method, "GET") && !strncmp(rest, "blocks/", 7))
        get(play, ask, say, (int)strtol(rest + 7, NULL, 10));
    else
        wrong(play, say, ask->target);
    pthread_mutex_unlock(&play->lock);
}

static void no_wait(void *ctx, int64_t ms)
{
}

struct ec2_session *ebs_play_session(const struct talk_server *server, unsigned attempts)
{
    static struct ec2_credentials keys;
    if (!*keys.access_key_id) {
        mir_copy(keys.access_key_id, sizeof keys.access_key_id, "AKID");
        if (mir_secret_set(&keys.secret, "secret", 6, NULL))
            abort();
    }
    struct ec2_session_settings settings = {.region = "eu-central-1",
                                            .credentials = ec2_credentials_fixed(&keys),
                                            .attempts_max = attempts,
                                            .wait = no_wait};
    settings.endpoints[EC2_EBS] = talk_server_url(server);
    struct ec2_session *session = ec2_session_new(&settings, NULL);
    if (!session)
        abort();
    return session;
}
