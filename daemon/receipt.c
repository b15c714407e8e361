/* SPDX-License-Identifier: ISC */
/* The receipt: what existed and how it was seen to go, from the trail that the answers left. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "api/clock.h"
#include "api/memory.h"
#include "daemon/deployment.h"

#define RECEIPT_FORM 1

static json_t *moment(int64_t utc_ms)
{
    char text[MIR_TIME_SIZE];
    if (!utc_ms)
        return json_null();
    mir_time_format_ms(utc_ms, text);
    return json_string(text);
}

/* With what it was made under, and the questions that found it gone; an image has its own. */
static void add_end(const struct mird_deployment *d, const struct mird_object *object, json_t *row)
{
    const struct mird_trail *trail = &d->trail;
    bool image = !strcmp(object->what.kind, "image");
    const struct mird_ending *ending = image ? &trail->image : &trail->instance;
    json_t *by = json_array();
    if (ending->get_ms)
        json_array_append_new(by, json_string("get"));
    if (ending->list_ms)
        json_array_append_new(by, json_string("listing"));
    json_object_set_new(row, "token", json_string(d->id));
    json_object_set_new(row, "delete_sent_at", moment(ending->first_ms));
    json_object_set_new(row, "delete_accepted_at", moment(ending->accepted_ms));
    json_object_set_new(row, "gone_at", moment(ending->gone_ms));
    json_object_set_new(row, "gone_by", by);
}

static json_t *objects_json(const struct mird_deployment *d)
{
    json_t *list = mird_objects_json(d);
    for (unsigned i = 0; i < d->trail.object_count; i++)
        add_end(d, &d->trail.objects[i], json_array_get(list, i));
    return list;
}

/* What was asked of the provider to end it, and the questions that found it gone. */
static json_t *ending_json(const struct mird_deployment *d, const struct mird_ending *ending)
{
    if (!ending->sent && !ending->get_ms)
        return json_null();
    json_t *evidence = json_array();
    if (ending->get_ms)
        json_array_append_new(evidence,
                              json_pack("{s:s,s:s,s:o,s:s}", "call", "get", "token", d->id,
                                        "asked_at", moment(ending->get_ms), "answer", "absent"));
    if (ending->list_ms)
        json_array_append_new(evidence, json_pack("{s:s,s:o,s:i,s:s}", "call", "listing",
                                                  "asked_at", moment(ending->list_ms), "listed",
                                                  (int)ending->listed, "answer", "not in it"));
    return json_pack("{s:i,s:o,s:o,s:o,s:o,s:o}", "deletes_sent", (int)ending->sent,
                     "first_sent_at", moment(ending->first_ms), "last_sent_at",
                     moment(ending->last_ms), "accepted_at", moment(ending->accepted_ms),
                     "settled_at", moment(ending->settled_ms), "evidence", evidence);
}

static json_t *receipt_json(const struct mird_deployment *d)
{
    const struct mird_trail *trail = &d->trail;
    json_t *doc = json_object();
    json_object_set_new(doc, "form", json_integer(RECEIPT_FORM));
    json_object_set_new(doc, "deployment", json_string(d->id));
    json_object_set_new(doc, "name", json_string(d->name));
    json_object_set_new(doc, "provider", json_string(d->provider));
    json_object_set_new(doc, "state", json_string(mird_state_name(mird_deployment_state(d))));
    json_object_set_new(doc, "end_reason", json_string(mird_end_reason_name(d->end_reason)));
    json_object_set_new(doc, "ended_by", json_string(d->ended_by));
    json_object_set_new(doc, "created_at", moment(d->created_s * 1000));
    json_object_set_new(doc, "expires_at",
                        mir_forever(d->deadline_s) ? json_null() : moment(d->deadline_s * 1000));
    json_object_set_new(doc, "forever", json_boolean(mir_forever(d->deadline_s)));
    json_object_set_new(doc, "reason", *d->reason ? json_string(d->reason) : json_null());
    json_object_set_new(doc, "teardown_at", moment(d->ending_since_s * 1000));
    json_object_set_new(doc, "finished_at", moment(d->finished_s * 1000));
    json_object_set_new(doc, "asked_for", json_boolean(d->last_create_ms || d->trail.image.sent));
    json_object_set_new(doc, "objects", objects_json(d));
    json_object_set_new(doc, "more_objects", json_boolean(trail->more));
    json_object_set_new(doc, "instance_end", ending_json(d, &trail->instance));
    json_object_set_new(doc, "image_end", ending_json(d, &trail->image));
    return doc;
}

char *mird_receipt_text(const struct mird_deployment *d, char sha256[MIR_SHA256_TEXT])
{
    json_t *doc = receipt_json(d);
    char *text = json_dumps(doc, JSON_COMPACT | JSON_SORT_KEYS);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    json_decref(doc);
    if (!text || EVP_Digest(text, strlen(text), digest, &len, EVP_sha256(), NULL) != 1)
        abort(); /* every text of the record is clean UTF-8 */
    mir_hex(digest, 32, sha256);
    return text;
}
