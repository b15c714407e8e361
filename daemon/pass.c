/* SPDX-License-Identifier: ISC */
#include "daemon/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"

/* Of nothing else that is signed with that key: tags begin with an id. */
#define DOMAIN "mirage-reap pass\n"
#define AHEAD_MAX_S 300 /* of a clock elsewhere */
#define LATE_S 60       /* after which a pass that should have come is looked for */
#define ABSENT_AGAIN_S 900

#define SIGNATURE_TEXT 65

static void sign(const char *text, const unsigned char key[32], char out[SIGNATURE_TEXT])
{
    mir_auto_free char *whole = mir_format(DOMAIN "%s", text);
    unsigned char mac[32];
    unsigned len = sizeof mac;
    if (!HMAC(EVP_sha256(), key, 32, (const unsigned char *)whole, strlen(whole), mac, &len))
        abort();
    mir_hex(mac, sizeof mac, out);
}

/* --- the text --- */

char *mird_pass_text(const struct mird_pass *pass, const unsigned char key[32])
{
    char at[MIR_TIME_SIZE], signature[SIGNATURE_TEXT];
    mir_time_format(pass->at_s, at);
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:I,s:s,s:s,s:s}", "account", pass->caller.account, "at", at,
                  "caller", pass->caller.name, "every_s", (json_int_t)pass->every_s, "installation",
                  pass->installation, "places", pass->places, "provider", pass->provider);
    mir_auto_free char *inner = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    if (!inner)
        abort();
    sign(inner, key, signature);
    return mir_format("{\"pass\":%s,\"signature\":\"%s\"}", inner, signature);
}

static int damaged(const char *provider, struct mir_error *err)
{
    return mir_fail(err, MIR_CORRUPT,
                    "what is there is no word of a mirage-reap of this installation for %s",
                    provider);
}

static bool is_signed(const json_t *document, const json_t *inner, const unsigned char key[32])
{
    char expected[SIGNATURE_TEXT];
    const char *signature = json_string_value(json_object_get(document, "signature"));
    mir_auto_free char *text = json_dumps(inner, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text || !signature || strlen(signature) != SIGNATURE_TEXT - 1)
        return false;
    sign(text, key, expected);
    return !CRYPTO_memcmp(expected, signature, SIGNATURE_TEXT - 1);
}

static int fill(const json_t *inner, struct mird_pass *ret)
{
    const struct {
        const char *name;
        char *field;
        size_t size;
    } rows[] = {
        {"installation", ret->installation, sizeof ret->installation},
        {"provider", ret->provider, sizeof ret->provider},
        {"account", ret->caller.account, sizeof ret->caller.account},
        {"caller", ret->caller.name, sizeof ret->caller.name},
        {"places", ret->places, sizeof ret->places},
    };
    const char *at = json_string_value(json_object_get(inner, "at"));
    const json_t *every = json_object_get(inner, "every_s");
    for (size_t i = 0; i < MIR_NELEMS(rows); i++) {
        const char *value = json_string_value(json_object_get(inner, rows[i].name));
        if (!value || mir_copy(rows[i].field, rows[i].size, value))
            return -1;
    }
    ret->every_s = json_integer_value(every);
    return !at || mir_time_parse(at, &ret->at_s, NULL) || !json_is_integer(every) ? -1 : 0;
}

int mird_pass_read(const char *text, size_t len, const struct mird_identity *identity,
                   const char *provider, struct mird_pass *ret, struct mir_error *err)
{
    struct mird_pass pass = {.at_s = 0};
    json_t *document = mir_json_parse(text, len, MIR_NOTE_MAX, NULL);
    const json_t *inner = json_object_get(document, "pass");
    bool ours = json_is_object(inner) && is_signed(document, inner, identity->tag_key) &&
                !fill(inner, &pass) && !strcmp(pass.provider, provider) &&
                !strcmp(pass.installation, identity->installation);
    json_decref(document);
    if (!ours)
        return damaged(provider, err);
    *ret = pass;
    return 0;
}

/* --- what it is worth --- */

static bool covers(const struct mird_pass *pass, const char *place)
{
    size_t len = strlen(place);
    for (const char *p = pass->places; len && *p; p += strspn(p, " ")) {
        size_t word = strcspn(p, " ");
        if (word == len && !strncmp(p, place, len))
            return true;
        p += word;
    }
    return !len && *pass->places;
}

static void say(const struct mird_pass *pass, const char *why, struct mir_hook *ret)
{
    char at[MIR_TIME_SIZE], every[MIR_TIME_SIZE];
    mir_time_format(pass->at_s, at);
    mir_duration_format(pass->every_s, every);
    mir_auto_free char *text = mir_format(
        "%s%smirage-reap was last done %s, %s%s, as %s", why, *why ? ": " : "", at,
        pass->every_s ? "every " : "by hand", pass->every_s ? every : "", pass->caller.name);
    snprintf(ret->detail, sizeof ret->detail, "%.159s", text);
}

/* The first thing that keeps it from counting; "" nothing does. */
static const char *objection(const struct mird_pass *pass, const char *account, const char *place,
                             int64_t now_s)
{
    if (!*account || strcmp(pass->caller.account, account) != 0)
        return "for another account";
    if (pass->at_s > now_s + AHEAD_MAX_S)
        return "its clock is ahead";
    if (now_s - pass->at_s >= pass->every_s + MIRD_PASS_GRACE_S)
        return "it does not come any more";
    return covers(pass, place) ? "" : "not in this region";
}

/* The next one is there by then. If it is not, it is asked for every minute, and this one holds
 * until its grace is over, to the second. */
static unsigned armed_for_s(const struct mird_pass *pass, int64_t now_s)
{
    int64_t end_s = pass->at_s + pass->every_s + MIRD_PASS_GRACE_S - now_s;
    int64_t next_s = pass->at_s + pass->every_s + LATE_S - now_s;
    if (next_s < LATE_S)
        next_s = LATE_S;
    return (unsigned)(next_s < end_s ? next_s : end_s);
}

void mird_pass_judge(const struct mird_pass *pass, const char *account, const char *place,
                     int64_t deadline_s, int64_t now_s, struct mir_hook *ret)
{
    bool timer = pass->every_s >= MIRD_PASS_EVERY_MIN_S && pass->every_s <= MIRD_PASS_EVERY_MAX_S;
    const char *why = timer ? objection(pass, account, place, now_s) : "nothing runs it again";
    ret->state = !timer ? MIR_HOOK_OFF : *why ? MIR_HOOK_FAILED : MIR_HOOK_ARMED;
    ret->deadline_s = deadline_s;
    ret->again_after_s = timer ? LATE_S : ABSENT_AGAIN_S;
    if (ret->state == MIR_HOOK_ARMED)
        ret->again_after_s = armed_for_s(pass, now_s);
    say(pass, why, ret);
}

/* --- the file --- */

int mird_pass_load(const char *state_dir, const struct mird_identity *identity,
                   const char *provider, struct mird_pass *ret, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/reaped/%s", state_dir, provider), *text = NULL;
    size_t len = 0;
    return mir_file_read(path, MIR_NOTE_MAX, &text, &len, err) ||
                   mird_pass_read(text, len, identity, provider, ret, err)
               ? -1
               : 0;
}

int mird_pass_keep(const char *state_dir, const char *provider, const char *text,
                   struct mir_error *err)
{
    mir_auto_free char *folder = mir_format("%s/reaped", state_dir);
    if (mir_dir_make(folder, 0700, err))
        return -1;
    mir_auto_close int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return mir_fail_errno(err, errno, "cannot open %s", folder);
    return mir_file_write_at(dir_fd, provider, text, strlen(text), 0600, err);
}
