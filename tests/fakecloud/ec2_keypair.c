/* SPDX-License-Identifier: ISC */
/* Key pairs: made here with real keys, or imported. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "api/id.h"
#include "api/memory.h"
#include "ec2_group.h"

#define MATERIAL_MAX 16384

const struct fc_param fc_params_create_key_pair[] = {
    {"KeyName", FC_TEXT, true},
    {"KeyType", FC_TEXT, false},
    {"KeyFormat", FC_TEXT, false},
    FC_EC2_TAGS,
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_import_key_pair[] = {
    {"KeyName", FC_TEXT, true}, {"PublicKeyMaterial", FC_BASE64, true}, FC_EC2_TAGS, FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_describe_key_pairs[] = {
    {"KeyName.#", FC_TEXT, false},
    {"KeyPairId.#", FC_TEXT, false},
    FC_EC2_FILTERS,
    {"IncludePublicKey", FC_BOOL, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

const struct fc_param fc_params_delete_key_pair[] = {
    {"KeyName", FC_TEXT, false},
    {"KeyPairId", FC_TEXT, false},
    FC_EC2_DRY_RUN,
    {NULL, FC_TEXT, false},
};

static struct fc_object *key_named(struct fc_call *call, const char *name)
{
    struct fc_object *o = NULL;
    while ((o = fc_store_each(call->world->store, o, "key-pair", call->region)))
        if (!strcmp(fc_text_at(o->doc, "keyName"), name))
            return o;
    return NULL;
}

static int check_name(struct fc_call *call, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "KeyName");
    if (!*name || strlen(name) > 255)
        return fc_refuse(refusal, 400, "InvalidParameterValue",
                         "KeyName has to have 1 to 255 characters");
    if (key_named(call, name))
        return fc_refuse(refusal, 400, "InvalidKeyPair.Duplicate",
                         "The keypair '%.100s' already exists.", name);
    return 0;
}

static struct fc_object *make_key(struct fc_call *call, const char *type, const char *fingerprint,
                                  json_t *tags)
{
    json_t *doc = json_pack("{s:s,s:s,s:s,s:o,s:o}", "keyName", fc_param_text(call, "KeyName"),
                            "keyType", type, "keyFingerprint", fingerprint, "tagSet", tags,
                            "createTime", fc_time_json(call->now_ms));
    struct fc_object *key = fc_ec2_make(call, "key-pair", doc);
    json_object_set_new(doc, "keyPairId", json_string(key->id));
    return key;
}

/* What a reply to the making of one says. */
static json_t *key_reply(const struct fc_object *key, const char *material)
{
    json_t *reply = json_pack("{s:O,s:O,s:s,s:O}", "keyName", fc_at(key->doc, "keyName"),
                              "keyFingerprint", fc_at(key->doc, "keyFingerprint"), "keyPairId",
                              key->id, "tagSet", fc_at(key->doc, "tagSet"));
    if (material)
        json_object_set_new(reply, "keyMaterial", json_string(material));
    return reply;
}

/* "ab:cd:…" */
static char *colons(const unsigned char *digest, unsigned len)
{
    char *out = mir_calloc(3 * (size_t)len + 1, 1);
    for (unsigned i = 0; i < len; i++) {
        mir_hex(digest + i, 1, out + 3 * i);
        out[3 * i + 2] = i + 1 < len ? ':' : '\0';
    }
    return out;
}

/* A private key as PEM (owned), and the SHA-1 of its DER form with colons (owned). */
static int new_key(bool ed25519, char **ret_pem, char **ret_fingerprint)
{
    EVP_PKEY *key = ed25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                            : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
    unsigned digest_len = 0;
    char *pem = NULL;
    int der_len = key ? i2d_PrivateKey(key, &der) : -1, rc = -1;
    if (key && bio && der_len > 0 &&
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) &&
        EVP_Digest(der, (size_t)der_len, digest, &digest_len, EVP_sha1(), NULL)) {
        long len = BIO_get_mem_data(bio, &pem);
        *ret_pem = mir_format("%.*s", (int)len, pem);
        *ret_fingerprint = colons(digest, digest_len);
        rc = 0;
    }
    OPENSSL_free(der);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return rc;
}

static const char *const key_tags[] = {"key-pair", NULL};

int fc_ec2_create_key_pair(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *type = fc_param_text(call, "KeyType");
    json_t *tags = NULL;
    type = type ? type : "rsa";
    if (check_name(call, refusal))
        return -1;
    if (strcmp(type, "rsa") != 0 && strcmp(type, "ed25519") != 0)
        return fc_refuse(refusal, 400, "InvalidParameterValue", "KeyType is rsa or ed25519");
    if (fc_ec2_new_tags(call, key_tags[0], key_tags, &tags, refusal))
        return -1;
    mir_auto_free char *pem = NULL, *fingerprint = NULL;
    int rc = fc_ec2_dry_run(call, refusal);
    if (!rc && new_key(!strcmp(type, "ed25519"), &pem, &fingerprint))
        rc = fc_refuse(refusal, 500, "InternalError", "no key could be made");
    if (rc) {
        json_decref(tags);
        return -1;
    }
    *ret_reply = key_reply(make_key(call, type, fingerprint, tags), pem);
    return 0;
}

/* "ssh-ed25519 AAAA… comment" in base64; its type, NULL: no public key. */
static const char *read_public_key(const char *base64, unsigned char digest[16])
{
    unsigned char text[MATERIAL_MAX], blob[MATERIAL_MAX];
    size_t len = strlen(base64);
    if (len / 4 * 3 >= sizeof text)
        return NULL;
    int got = EVP_DecodeBlock(text, (const unsigned char *)base64, (int)len);
    if (got <= 0)
        return NULL;
    text[got < (int)sizeof text ? got : (int)sizeof text - 1] = '\0';
    const char *type = !strncmp((const char *)text, "ssh-rsa ", 8)        ? "rsa"
                       : !strncmp((const char *)text, "ssh-ed25519 ", 12) ? "ed25519"
                                                                          : NULL;
    const char *body = type ? strchr((const char *)text, ' ') + 1 : NULL;
    size_t body_len = body ? strcspn(body, " \r\n") : 0;
    int blob_len = body_len && body_len % 4 == 0
                       ? EVP_DecodeBlock(blob, (const unsigned char *)body, (int)body_len)
                       : -1;
    if (blob_len < 4 || !EVP_Digest(blob, (size_t)blob_len, digest, NULL, EVP_md5(), NULL))
        return NULL;
    return type;
}

int fc_ec2_import_key_pair(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    unsigned char digest[16];
    json_t *tags = NULL;
    if (check_name(call, refusal))
        return -1;
    const char *type = read_public_key(fc_param_text(call, "PublicKeyMaterial"), digest);
    if (!type)
        return fc_refuse(refusal, 400, "InvalidKey.Format",
                         "Key is not in valid OpenSSH public key format");
    if (fc_ec2_new_tags(call, key_tags[0], key_tags, &tags, refusal))
        return -1;
    if (fc_ec2_dry_run(call, refusal)) {
        json_decref(tags);
        return -1;
    }
    mir_auto_free char *fingerprint = colons(digest, sizeof digest);
    *ret_reply = key_reply(make_key(call, type, fingerprint, tags), NULL);
    return 0;
}

int fc_ec2_describe_key_pairs(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    static const struct fc_filter rows[] = {{"key-name", "keyName"},
                                            {"key-pair-id", "keyPairId"},
                                            {"fingerprint", "keyFingerprint"},
                                            {NULL, NULL}};
    static const struct fc_listing listing = {.kind = "key-pair",
                                              .set = "keySet",
                                              .ids = "KeyPairId",
                                              .names = "KeyName",
                                              .name_path = "keyName",
                                              .rows = rows,
                                              .page_min = 1,
                                              .page_max = 1000};
    return fc_ec2_list(call, &listing, ret_reply, refusal);
}

/* Of what is not there, too: AWS says nothing then. */
int fc_ec2_delete_key_pair(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const char *name = fc_param_text(call, "KeyName"), *id = fc_param_text(call, "KeyPairId");
    struct fc_object *key = NULL;
    if (!name == !id)
        return fc_refuse(refusal, 400, "MissingParameter",
                         "The request must contain the parameter KeyName or KeyPairId");
    if (id && fc_ec2_find(call, "key-pair", id, &key, refusal))
        return -1;
    if (name)
        key = key_named(call, name);
    if (fc_ec2_dry_run(call, refusal))
        return -1;
    *ret_reply = fc_return_true();
    if (key) {
        json_object_set_new(*ret_reply, "keyPairId", json_string(key->id));
        fc_store_gone(call->world->store, key, &call->cause, 0);
    }
    return 0;
}
