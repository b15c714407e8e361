/* SPDX-License-Identifier: ISC */
#include "daemon/link_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/json.h"
#include "api/memory.h"
#include "daemon/registry.h"

static const char *const type_names[] = {
    [MIRD_LINK_OTHER] = "",      [MIRD_LINK_SITES] = "sites", [MIRD_LINK_SOON] = "soon",
    [MIRD_LINK_READY] = "ready", [MIRD_LINK_PROBE] = "probe", [MIRD_LINK_ANNOUNCE] = "announce",
};

#define SECONDS_MAX 3600

void mird_link_message_clear(struct mird_link_message *message)
{
    free(message->sites);
    *message = (struct mird_link_message){0};
}

/* --- values to JSON and back --- */

static json_t *sites_json(const struct mird_site *sites, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, mird_site_to_message(&sites[i]));
    return list;
}

json_t *mird_link_message_json(const struct mird_link_message *m)
{
    json_t *o = json_object();
    json_object_set_new(o, "type", json_string(type_names[m->type]));
    switch (m->type) {
    case MIRD_LINK_SITES:
        json_object_set_new(o, "public_url", json_string(m->public_url));
        json_object_set_new(o, "installation", json_string(m->installation));
        json_object_set_new(o, "key_pem", json_string(m->key_pem));
        json_object_set_new(o, "sites", sites_json(m->sites, m->site_count));
        break;
    case MIRD_LINK_SOON:
        json_object_set_new(o, "name", json_string(m->name));
        json_object_set_new(o, "seconds", json_integer(m->seconds));
        break;
    case MIRD_LINK_PROBE:
        json_object_set_new(o, "probe", mird_probe_to_message(&m->probe));
        break;
    case MIRD_LINK_ANNOUNCE:
        json_object_set_new(o, "name", json_string(m->name));
        json_object_set_new(o, "url", json_string(m->url));
        json_object_set_new(o, "token", json_string(m->token));
        break;
    case MIRD_LINK_READY:
    case MIRD_LINK_OTHER:
        break;
    }
    return o;
}

static int get_text(const json_t *o, const char *name, char *out, size_t size,
                    struct mir_error *err)
{
    const char *text = json_string_value(json_object_get(o, name));
    if (!text || strlen(text) >= size)
        return mir_fail(err, MIR_CORRUPT, "a message with a bad '%s'", name);
    return mir_copy(out, size, text);
}

static int parse_sites(const json_t *o, struct mird_link_message *m, struct mir_error *err)
{
    json_t *list = json_object_get(o, "sites");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > MIRD_SITES_MAX)
        return mir_fail(err, MIR_CORRUPT, "a message with a bad 'sites'");
    if (get_text(o, "public_url", m->public_url, sizeof m->public_url, err) ||
        get_text(o, "installation", m->installation, sizeof m->installation, err) ||
        get_text(o, "key_pem", m->key_pem, sizeof m->key_pem, err))
        return -1;
    m->sites = mir_calloc(count ? count : 1, sizeof *m->sites);
    for (; m->site_count < count; m->site_count++)
        if (mird_site_from_message(json_array_get(list, m->site_count), &m->sites[m->site_count],
                                   err))
            return -1;
    return 0;
}

static int parse_name(const json_t *o, struct mird_link_message *m, struct mir_error *err)
{
    if (get_text(o, "name", m->name, sizeof m->name, err))
        return -1;
    return mir_name_valid(m->name) ? 0 : mir_fail(err, MIR_CORRUPT, "a message with a bad 'name'");
}

static int parse_soon(const json_t *o, struct mird_link_message *m, struct mir_error *err)
{
    json_t *seconds = json_object_get(o, "seconds");
    if (!json_is_integer(seconds) || json_integer_value(seconds) < 0 ||
        json_integer_value(seconds) > SECONDS_MAX)
        return mir_fail(err, MIR_CORRUPT, "a message with a bad 'seconds'");
    m->seconds = (int)json_integer_value(seconds);
    return parse_name(o, m, err);
}

static int parse_announce(const json_t *o, struct mird_link_message *m, struct mir_error *err)
{
    if (parse_name(o, m, err) || get_text(o, "url", m->url, sizeof m->url, err))
        return -1;
    return get_text(o, "token", m->token, sizeof m->token, err);
}

static int parse_body(const json_t *o, struct mird_link_message *m, struct mir_error *err)
{
    switch (m->type) {
    case MIRD_LINK_SITES:
        return parse_sites(o, m, err);
    case MIRD_LINK_SOON:
        return parse_soon(o, m, err);
    case MIRD_LINK_PROBE:
        return mird_probe_from_message(json_object_get(o, "probe"), &m->probe, err);
    case MIRD_LINK_ANNOUNCE:
        return parse_announce(o, m, err);
    case MIRD_LINK_READY:
    case MIRD_LINK_OTHER:
        break;
    }
    return 0;
}

int mird_link_message_parse(const json_t *json, struct mird_link_message *ret,
                            struct mir_error *err)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    if (!type)
        return mir_fail(err, MIR_CORRUPT, "a message without a type");
    struct mird_link_message m = {0};
    for (size_t i = 1; i < MIR_NELEMS(type_names); i++)
        if (!strcmp(type, type_names[i]))
            m.type = (enum mird_link_type)i;
    if (parse_body(json, &m, err)) {
        mird_link_message_clear(&m);
        return -1;
    }
    *ret = m;
    return 0;
}

/* --- frames --- */

/* MSG_NOSIGNAL: a peer that died must not kill us. */
static int send_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

int mird_link_send(int fd, const struct mird_link_message *message, struct mir_error *err)
{
    json_t *json = mird_link_message_json(message);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    size_t len = strlen(text);
    if (len > MIRD_LINK_MAX)
        return mir_fail(err, MIR_INTERNAL, "a message of %zu bytes is too long for the link", len);
    mir_auto_buf struct mir_buf out;
    mir_buf_init(&out, len + 8);
    const unsigned char head[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                   (unsigned char)(len >> 8), (unsigned char)len};
    mir_buf_add(&out, head, sizeof head);
    mir_buf_add(&out, text, len);
    if (send_all(fd, out.data, out.len)) {
        mir_fail_errno(err, errno, "the link to the other process");
        if (err)
            err->kind = MIR_UNAVAILABLE;
        return -1;
    }
    return 0;
}

int mird_link_read(int fd, struct mir_buf *in, struct mir_error *err)
{
    char block[16384];
    ssize_t n;
    do {
        n = read(fd, block, sizeof block);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return mir_fail_errno(err, errno, "the link to the other process");
    if (n == 0)
        return 0;
    if (mir_buf_add(in, block, (size_t)n))
        return mir_fail(err, MIR_CORRUPT, "a message too long for the link");
    return 1;
}

int mird_link_take(struct mir_buf *in, struct mird_link_message *ret, struct mir_error *err)
{
    if (in->len < 4)
        return 0;
    const unsigned char *h = (const unsigned char *)in->data;
    size_t len = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
    if (len < 2 || len > MIRD_LINK_MAX)
        return mir_fail(err, MIR_CORRUPT, "a message of impossible length");
    if (in->len - 4 < len)
        return 0;
    json_t *json = mir_json_parse(in->data + 4, len, MIRD_LINK_MAX, err);
    mir_buf_drop(in, 4 + len);
    if (!json) {
        if (err)
            err->kind = MIR_CORRUPT;
        return -1;
    }
    int rc = mird_link_message_parse(json, ret, err);
    json_decref(json);
    return rc ? -1 : 1;
}
