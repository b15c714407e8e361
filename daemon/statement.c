/* SPDX-License-Identifier: ISC */
#include "daemon/statement.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "api/clock.h"
#include "api/json.h"
#include "api/memory.h"

#define SIGNATURE_BYTES 64
#define SIGNATURE_TEXT 89 /* base64 of 64 bytes and the terminator */

static json_t *text_or_null(const char *text)
{
    return *text ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t utc_s)
{
    char text[MIR_TIME_SIZE] = "";
    if (utc_s)
        mir_time_format(utc_s, text);
    return text_or_null(text);
}

static json_t *facts_of(const struct mird_site *site, const char *installation, int64_t now_s)
{
    json_t *o = json_object();
    json_object_set_new(o, "name", json_string(site->name));
    json_object_set_new(o, "url", json_string(site->url));
    json_object_set_new(o, "verified_by", json_string(site->verified_by));
    json_object_set_new(o, "kernel", text_or_null(site->kernel));
    json_object_set_new(o, "state", json_string(mird_site_state_name(site->state)));
    json_object_set_new(o, "first_seen", time_or_null(site->first_seen_s));
    json_object_set_new(o, "last_seen", time_or_null(site->last_seen_s));
    json_object_set_new(o, "installation", json_string(installation));
    json_object_set_new(o, "signed_at", time_or_null(now_s));
    return o;
}

static char *canonical(const json_t *facts)
{
    return json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS);
}

static EVP_PKEY *private_key(const struct mird_identity *identity)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, identity->sign_seed,
                                        sizeof identity->sign_seed);
}

static int sign_text(const struct mird_identity *identity, const char *text,
                     char out[SIGNATURE_TEXT], struct mir_error *err)
{
    EVP_PKEY *key = private_key(identity);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char signature[SIGNATURE_BYTES];
    size_t len = sizeof signature;
    int good = key && md && EVP_DigestSignInit(md, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestSign(md, signature, &len, (const unsigned char *)text, strlen(text)) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    if (!good)
        return mir_fail(err, MIR_INTERNAL, "the statement could not be signed");
    EVP_EncodeBlock((unsigned char *)out, signature, SIGNATURE_BYTES);
    return 0;
}

int mird_statement_sign(struct mird_site *site, const struct mird_identity *identity, int64_t now_s,
                        struct mir_error *err)
{
    if (!site->verified_by[0]) {
        site->statement[0] = '\0';
        return 0;
    }
    json_t *facts = facts_of(site, identity->installation, now_s);
    mir_auto_free char *text = canonical(facts);
    char signature[SIGNATURE_TEXT];
    int rc = text ? sign_text(identity, text, signature, err)
                  : mir_fail(err, MIR_INTERNAL, "a site's facts are not UTF-8");
    if (!rc) {
        json_object_set_new(facts, "signature", json_string(signature));
        mir_auto_free char *whole = canonical(facts);
        if (mir_copy(site->statement, sizeof site->statement, whole))
            rc = mir_fail(err, MIR_INTERNAL, "the statement is too long");
    }
    json_decref(facts);
    return rc;
}

int mird_statement_key_pem(const struct mird_identity *identity, char out[MIRD_PUBLIC_KEY_PEM],
                           struct mir_error *err)
{
    EVP_PKEY *key = private_key(identity);
    BIO *bio = BIO_new(BIO_s_mem());
    int len = 0;
    if (key && bio && PEM_write_bio_PUBKEY(bio, key) == 1)
        len = BIO_read(bio, out, MIRD_PUBLIC_KEY_PEM - 1);
    BIO_free(bio);
    EVP_PKEY_free(key);
    if (len <= 0)
        return mir_fail(err, MIR_INTERNAL, "the signing key cannot be used");
    out[len] = '\0';
    return 0;
}

static int signature_good(const char *key_pem, const unsigned char *signature, const char *text)
{
    BIO *bio = BIO_new_mem_buf(key_pem, -1);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int good = key && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
               EVP_DigestVerify(md, signature, SIGNATURE_BYTES, (const unsigned char *)text,
                                strlen(text)) == 1;
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(key);
    BIO_free(bio);
    return good;
}

int mird_statement_verify(const char *statement, const char *key_pem, struct mir_error *err)
{
    json_t *facts = mir_json_parse(statement, strlen(statement), 4096, err);
    if (!facts)
        return -1;
    const char *base64 = json_string_value(json_object_get(facts, "signature"));
    /* 64 bytes are 88 characters, the last two of them padding: decoded as 66 bytes. */
    unsigned char signature[SIGNATURE_BYTES + 2];
    char again[SIGNATURE_TEXT] = ""; /* one spelling per signature: what is left over is zero */
    int good = base64 && strlen(base64) == SIGNATURE_TEXT - 1 &&
               EVP_DecodeBlock(signature, (const unsigned char *)base64, SIGNATURE_TEXT - 1) ==
                   (int)sizeof signature;
    if (good)
        EVP_EncodeBlock((unsigned char *)again, signature, SIGNATURE_BYTES);
    good = good && !strcmp(again, base64);
    json_object_del(facts, "signature");
    mir_auto_free char *text = canonical(facts);
    good = good && text && signature_good(key_pem, signature, text);
    json_decref(facts);
    if (!good)
        return mir_fail(err, MIR_CORRUPT, "the statement's signature does not hold");
    return 0;
}
