/* SPDX-License-Identifier: ISC */
/* The identity of an installation: one small file that outlives the database. */
#include "daemon/identity.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/cleanup.h"
#include "api/file.h"
#include "api/json.h"
#include "api/memory.h"

static int unhex(const char *text, unsigned char out[32])
{
    if (!text || strlen(text) != 64 || strspn(text, "0123456789abcdef") != 64)
        return -1;
    for (int i = 0; i < 32; i++) {
        unsigned value = 0;
        for (int k = 0; k < 2; k++) {
            char c = text[2 * i + k];
            value = value * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        out[i] = (unsigned char)value;
    }
    return 0;
}

static int parse(const char *text, size_t len, struct mird_identity *ret)
{
    json_t *json = mir_json_parse(text, len, 4096, NULL);
    const char *installation = json_string_value(json_object_get(json, "installation"));
    int rc = -1;
    if (installation && mir_id_valid(installation) &&
        !unhex(json_string_value(json_object_get(json, "tag_key")), ret->tag_key) &&
        !unhex(json_string_value(json_object_get(json, "sign_seed")), ret->sign_seed))
        rc = mir_copy(ret->installation, sizeof ret->installation, installation);
    json_decref(json);
    return rc;
}

static int make(int dir_fd, struct mird_identity *ret, struct mir_error *err)
{
    const struct mir_random *random = mir_random_system();
    mir_id_new(random, ret->installation);
    random->bytes(random->ctx, ret->tag_key, sizeof ret->tag_key);
    random->bytes(random->ctx, ret->sign_seed, sizeof ret->sign_seed);
    char tag_key[65], sign_seed[65];
    mir_hex(ret->tag_key, 32, tag_key);
    mir_hex(ret->sign_seed, 32, sign_seed);
    char *text = mir_format("{\"installation\":\"%s\",\"tag_key\":\"%s\",\"sign_seed\":\"%s\"}\n",
                            ret->installation, tag_key, sign_seed);
    int rc = mir_file_write_at(dir_fd, "identity", text, strlen(text), 0600, err);
    OPENSSL_cleanse(text, strlen(text));
    OPENSSL_cleanse(tag_key, sizeof tag_key);
    OPENSSL_cleanse(sign_seed, sizeof sign_seed);
    free(text);
    return rc;
}

int mird_identity_read(const char *state_dir, struct mird_identity *ret, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/identity", state_dir);
    char *text = NULL;
    size_t len = 0;
    if (mir_file_read(path, 4096, &text, &len, err))
        return -1;
    int rc = parse(text, len, ret);
    OPENSSL_cleanse(text, len);
    free(text);
    if (rc) {
        mir_fail(err, MIR_CORRUPT, "%s is not an identity file", path);
        return mir_error_hint(err, "put it back from a copy; or move it away, and what runs now is "
                                   "no longer recognised as ours (it still ends at its deadline)");
    }
    return 0;
}

int mird_identity_load(const char *state_dir, struct mird_identity *ret, struct mir_error *err)
{
    mir_auto_close int dir_fd = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return mir_fail(err, MIR_POLICY, "cannot open the state directory %s", state_dir);
    struct mir_error why = {0};
    if (!mird_identity_read(state_dir, ret, &why))
        return 0;
    if (why.kind == MIR_NOT_FOUND)
        return make(dir_fd, ret, err);
    if (err)
        *err = why;
    return -1;
}
