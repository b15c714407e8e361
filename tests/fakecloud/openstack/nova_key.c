/* SPDX-License-Identifier: ISC */
/* Key pairs: of a user, not of a project. A pair that Nova makes itself is none that works: here is
 * nobody who logs in. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "api/base64.h"
#include "api/id.h"
#include "api/memory.h"
#include "nova.h"
#include "os_wording.h"

#define KEYPAIR "os-keypair"

static void id_of(const struct fc_call *call, const char *name, char out[300])
{
    snprintf(out, 300, "%s/%.255s", fos_of(call)->user, name);
}

struct fc_object *fos_keypair_find(const struct fc_call *call, const char *name)
{
    char id[300];
    id_of(call, name, id);
    return fc_store_get(call->world->store, KEYPAIR, call->region, id);
}

/* MD5 of the blob, "aa:bb:…"; false: it is no public key. */
static bool fingerprint(const char *key, char out[48])
{
    unsigned char sum[16];
    const char *at = strchr(key, ' ');
    if (!at || (strncmp(key, "ssh-", 4) != 0 && strncmp(key, "ecdsa-", 6) != 0))
        return false;
    mir_auto_free char *text = mir_format("%.*s", (int)strcspn(at + 1, " \n"), at + 1);
    size_t len = 0;
    mir_auto_free char *blob = mir_base64_decode(text, &len);
    if (!blob || !len || !EVP_Digest(blob, len, sum, NULL, EVP_md5(), NULL))
        return false;
    for (int i = 0; i < 16; i++)
        snprintf(out + 3 * i, 4, "%02x%s", sum[i], i < 15 ? ":" : "");
    return true;
}

static json_t *show(const struct fc_call *call, const struct fc_object *pair)
{
    json_t *shown = fos_public(pair->doc);
    if (fos_of(call)->minor < 2)
        json_object_del(shown, "type");
    return shown;
}

int fos_keypair_create(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const json_t *said = fos_wrapped(call, "keypair");
    const char *name = fos_text(said, "name", ""), *key = fos_text(said, "public_key", NULL);
    char id[300], print[48], made[33];
    if (!*name || strlen(name) > 255)
        return fos_refuse(call, refusal, 400, "Invalid input for field/attribute name.");
    if (!key && fos_of(call)->minor >= 92)
        return fos_refuse(call, refusal, 400, "'public_key' is a required property");
    fos_hex_id(made);
    mir_auto_free char *blob = mir_base64(made, sizeof made);
    mir_auto_free char *own = key ? NULL : mir_format("ssh-rsa %s Generated-by-Nova", blob);
    if (!fingerprint(key ? key : own, print))
        return fos_refuse(call, refusal, 400,
                          "Keypair data is invalid: failed to generate "
                          "fingerprint");
    if (fos_keypair_find(call, name))
        return fos_refuse(call, refusal, 409, "Key pair '%.255s' already exists.", name);
    id_of(call, name, id);
    json_t *doc = json_pack("{s:s,s:s,s:s,s:s,s:s}", "name", name, "public_key", key ? key : own,
                            "fingerprint", print, "type", "ssh", "user_id", fos_of(call)->user);
    json_object_set_new(doc, "_project", json_string(""));
    const struct fc_object *pair = fos_add(call, KEYPAIR, id, doc);
    json_t *shown = show(call, pair);
    if (!key)
        json_object_set_new(shown, "private_key",
                            json_string("-----BEGIN RSA PRIVATE KEY-----\n(none: a fake made it)\n"
                                        "-----END RSA PRIVATE KEY-----\n"));
    if (fos_of(call)->minor >= 2)
        call->reply->status = 201;
    *ret_reply = json_pack("{s:o}", "keypair", shown);
    return 0;
}

int fos_keypair_list(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    json_t *rows = json_array();
    for (struct fc_object *o = NULL;
         (o = fc_store_each(call->world->store, o, KEYPAIR, call->region));)
        if (!strcmp(fc_text_at(o->doc, "user_id"), fos_of(call)->user)) {
            json_t *shown = show(call, o);
            json_object_del(shown, "user_id");
            json_array_append_new(rows, json_pack("{s:o}", "keypair", shown));
        }
    *ret_reply = json_pack("{s:o}", "keypairs", rows);
    return 0;
}

int fos_keypair_get(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    const struct fc_object *pair = fos_keypair_find(call, call->segments[0]);
    if (!pair)
        return fos_refuse(call, refusal, 404, "Keypair %.255s not found for user %s",
                          call->segments[0], fos_of(call)->user);
    json_t *shown = show(call, pair);
    json_object_set_new(shown, "created_at", fos_time(pair->created_ms));
    json_object_set_new(shown, "id", json_integer((json_int_t)pair->seq));
    json_object_set_new(shown, "deleted", json_false());
    json_object_set_new(shown, "deleted_at", json_null());
    json_object_set_new(shown, "updated_at", json_null());
    *ret_reply = json_pack("{s:o}", "keypair", shown);
    return 0;
}

int fos_keypair_delete(struct fc_call *call, json_t **ret_reply, struct fc_refusal *refusal)
{
    struct fc_object *pair = fos_keypair_find(call, call->segments[0]);
    if (!pair)
        return fos_refuse(call, refusal, 404, "Keypair %.255s not found for user %s",
                          call->segments[0], fos_of(call)->user);
    fc_store_gone(call->world->store, pair, &call->cause, 0);
    if (fos_of(call)->minor >= 2)
        call->reply->status = 204;
    return 0;
}
