/* SPDX-License-Identifier: ISC */
#include "keys.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"

#define JSON_MAX 65536

static bool given(const char *text)
{
    return text && *text;
}

/* Text that may stand in a header. */
static bool graphic(const char *text, size_t max)
{
    size_t len = 0;
    for (; text[len]; len++)
        if (!isgraph((unsigned char)text[len]))
            return false;
    return len <= max;
}

static int check_texts(const struct ec2_key_texts *texts, const char *what, struct mir_error *err)
{
    if (!given(texts->id))
        return mir_fail(err, MIR_CREDENTIALS, "%s: there is no access key id", what);
    if (!given(texts->secret))
        return mir_fail(err, MIR_CREDENTIALS,
                        "%s: there is an access key id and no secret access key", what);
    if (!graphic(texts->id, EC2_KEY_ID_TEXT - 1) || strpbrk(texts->id, "/,="))
        return mir_fail(err, MIR_CREDENTIALS, "%s: what is given as access key id cannot be one",
                        what);
    if (!graphic(texts->secret, MIR_SECRET_MAX))
        return mir_fail(err, MIR_CREDENTIALS,
                        "%s: the secret access key has white space or a line end in it", what);
    if (given(texts->token) && !graphic(texts->token, MIR_SECRET_MAX))
        return mir_fail(err, MIR_CREDENTIALS,
                        "%s: the session token has white space or a line end in it", what);
    return 0;
}

static bool twelve_digits(const char *text)
{
    return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

int ec2_keys_set(const struct ec2_key_texts *texts, const char *what, struct ec2_credentials *ret,
                 struct mir_error *err)
{
    struct mir_error ignored = {0};
    int64_t expires_s = 0;
    if (check_texts(texts, what, err))
        return -1;
    if (given(texts->expires) && mir_time_parse(texts->expires, &expires_s, &ignored))
        return mir_fail(err, MIR_CORRUPT, "%s: the time at which the keys expire cannot be read",
                        what);
    mir_copy(ret->access_key_id, sizeof ret->access_key_id, texts->id);
    if (mir_secret_set(&ret->secret, texts->secret, strlen(texts->secret), err) ||
        (given(texts->token) &&
         mir_secret_set(&ret->session_token, texts->token, strlen(texts->token), err))) {
        ec2_credentials_clear(ret);
        return -1;
    }
    ret->expires_s = expires_s;
    if (given(texts->account_id) && twelve_digits(texts->account_id))
        mir_copy(ret->account_id, sizeof ret->account_id, texts->account_id);
    mir_copy(ret->source, sizeof ret->source, texts->source);
    return 0;
}

/* --- JSON --- */

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void wipe_texts(json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_string(value))
            mir_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
    }
}

/* A service answers with a word why it has none. */
static int check_code(const json_t *object, const char *what, struct mir_error *err)
{
    const char *code = text_of(object, "Code"), *message = text_of(object, "Message");
    if (!code)
        code = text_of(object, "code");
    if (!message)
        message = text_of(object, "message");
    if (!code || !strcmp(code, "Success"))
        return 0;
    return mir_fail(err, MIR_CREDENTIALS, "%s: it answers %.60s%s%.200s", what, code,
                    message ? ": " : "", message ? message : "");
}

static int check_version(const json_t *object, const char *what, struct mir_error *err)
{
    const json_t *version = json_object_get(object, "Version");
    if (json_is_integer(version) && json_integer_value(version) == 1)
        return 0;
    return mir_fail(err, MIR_CORRUPT, "%s: its answer has to have \"Version\": 1", what);
}

static int from_object(json_t *object, enum ec2_key_names names, const char *what,
                       const char *source, struct ec2_credentials *ret, struct mir_error *err)
{
    bool process = names == EC2_KEYS_PROCESS;
    if (!json_is_object(object))
        return mir_fail(err, MIR_CORRUPT, "%s: its answer is no JSON object", what);
    if (process ? check_version(object, what, err) : check_code(object, what, err))
        return -1;
    struct ec2_key_texts texts = {
        .id = text_of(object, "AccessKeyId"),
        .secret = text_of(object, "SecretAccessKey"),
        .token = text_of(object, process ? "SessionToken" : "Token"),
        .expires = text_of(object, "Expiration"),
        .account_id = text_of(object, "AccountId"),
        .source = source,
    };
    if (!process && (!given(texts.token) || !given(texts.expires)))
        return mir_fail(err, MIR_CORRUPT, "%s: its answer has no Token or no Expiration", what);
    if (!texts.id || !texts.secret)
        return mir_fail(err, MIR_CORRUPT, "%s: its answer has no AccessKeyId or no SecretAccessKey",
                        what);
    return ec2_keys_set(&texts, what, ret, err);
}

int ec2_keys_from_json(const char *text, size_t len, enum ec2_key_names names, const char *what,
                       const char *source, struct ec2_credentials *ret, struct mir_error *err)
{
    /* The parser's own words may hold a piece of the text. */
    struct mir_error hidden = {0};
    json_t *object = mir_json_parse(text, len, JSON_MAX, &hidden);
    if (!object)
        return mir_fail(err, MIR_CORRUPT, "%s: its answer is not JSON", what);
    int rc = from_object(object, names, what, source, ret, err);
    if (json_is_object(object))
        wipe_texts(object);
    json_decref(object);
    return rc;
}
