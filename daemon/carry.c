/* SPDX-License-Identifier: ISC */
#include "carry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/child.h"
#include "api/cleanup.h"
#include "api/fault.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/process.h"
#include "daemon/announce_url.h"
#include "daemon/block_store.h"
#include "daemon/kernel_store.h"
#include "engine_parts.h"
#include "ownership.h"
#include "tender.h"
#include "wanted.h"

#define ANSWER_MAX ((size_t)64 << 10)
#define NEWS_MAX 20 /* of its words */
#define SAYS "mirage-carrier: "

/* --- what is started --- */

void mird_subject_of(const struct mird_core *core, const struct mird_deployment *d,
                     const struct mir_kernel *kernel, struct mird_subject *ret)
{
    *ret = (struct mird_subject){.plain = *kernel, .seen = *kernel};
    if (!d->carrier) {
        ret->path = mird_kernel_bootable(core, kernel);
        return;
    }
    if (img_carrier_view(kernel, d->provider, IMG_CARRIER_ALWAYS, &ret->seen))
        ret->seen.min_memory_bytes =
            img_carrier_machine_bytes(d->carrier, kernel->unpacked_bytes, d->guest_bytes);
    /* What unpacks kernels for disks takes them as they come. */
    ret->path = mird_kernel_path(core->state_dir, kernel->sha256);
    ret->block_folder = mird_blocks_folder(core->state_dir);
    ret->seen.unpacked_bytes += mir_blocks_bytes(&d->blocks);
}

int mird_subject_find(const struct mird_core *core, const struct mird_deployment *d,
                      struct mird_subject *ret, struct mir_error *err)
{
    struct mir_kernel kernel;
    *ret = (struct mird_subject){.path = NULL};
    if (mird_store_kernel_get(core->store, d->kernel, &kernel, err))
        return -1;
    mird_subject_of(core, d, &kernel, ret);
    return 0;
}

void mird_subject_clear(struct mird_subject *subject)
{
    free(subject->path);
    free(subject->block_folder);
    free(subject->base);
}

/* --- the base --- */

/* mirage-carrier at work for a deployment. */
struct making {
    struct mird_engine *engine;
    struct mird_entry *entry;
    const struct mird_deployment *d;
    const struct mir_kernel *kernel; /* as it is */
    struct mir_buf answer;
    unsigned told;
    bool complains; /* it has said itself what is wrong */
};

static int take(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct making *making = ctx;
    return mir_buf_add(&making->answer, data, len)
               ? mir_fail(err, MIR_CORRUPT, "mirage-carrier said more than it ever should")
               : 0;
}

/* What it is about takes a minute the first time: whoever follows is told. */
static void tell(void *ctx, const char *line)
{
    struct making *making = ctx;
    struct mird_news news = {.event_count = 1};
    struct mird_event *event = &news.events[0];
    if (strncmp(line, SAYS, sizeof SAYS - 1) != 0 || making->told++ >= NEWS_MAX)
        return;
    mir_copy(event->kind, sizeof event->kind, "note");
    mir_copy(event->state, sizeof event->state, mird_state_name(mird_deployment_state(making->d)));
    snprintf(event->text, sizeof event->text, "preparing the carrier: %.250s",
             line + sizeof SAYS - 1);
    mird_text_clean(event->text);
    mird_entry_note(making->engine, making->entry, &news);
}

/* Its own error is in what it says; how it ended says less. */
static int understand(struct making *making, int rc, struct mir_error *ending, char **ret,
                      struct mir_error *err)
{
    const struct mir_buf *answer = &making->answer;
    json_t *json = mir_json_parse(mir_buf_text(answer), answer->len, ANSWER_MAX, NULL);
    const json_t *error = json_object_get(json, "error");
    const char *folder = json_string_value(json_object_get(json, "folder"));
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *hint = json_string_value(json_object_get(error, "hint"));
    enum mir_kind kind = mir_kind_by_name(json_string_value(json_object_get(error, "code")));
    making->complains = text != NULL;
    if (text) {
        rc =
            mir_fail(err, kind != MIR_OK ? kind : MIR_INTERNAL, "the carrier's base: %.400s", text);
        if (kind == MIR_UNAVAILABLE) /* its own is about its options */
            mir_error_hint(err, "is the network there? `mirage-carrier make %s` tries it alone",
                           mir_carrier_name(making->d->carrier));
        else if (hint && *hint)
            mir_error_hint(err, "%s", hint);
    } else if (rc || !folder) {
        if (err)
            *err = *ending;
        rc = rc ? mir_error_wrap(err, "the carrier's base")
                : mir_fail(err, MIR_CORRUPT, "mirage-carrier did not say where its base is");
    } else {
        *ret = mir_strdup(folder);
    }
    json_decref(json);
    return rc;
}

int mird_carrier_possible(const struct mird_core *core, enum mir_carrier shape,
                          const struct mir_kernel *kernel, struct mir_error *err)
{
    return shape == MIR_CARRIER_LINUX ? mird_tender_find(core->config, kernel->format, NULL, err)
                                      : 0;
}

/* "solo5-spt=FILE"; owned, and NULL where the shape has no tender. */
static int find_tender(const struct mird_core *core, enum mir_carrier shape,
                       const struct mir_kernel *kernel, char **ret, struct mir_error *err)
{
    mir_auto_free char *path = NULL;
    *ret = NULL;
    if (shape != MIR_CARRIER_LINUX)
        return 0;
    if (mird_tender_find(core->config, kernel->format, &path, err))
        return -1;
    *ret = mir_format("%s=%s", mird_tender_name(kernel->format), path);
    return 0;
}

static int make(struct making *making, const struct mir_wanted *wanted, char **ret,
                struct mir_error *err)
{
    mir_auto_free char *program = mir_program_path("mirage-carrier", err);
    mir_auto_free char *tender = NULL;
    struct mir_error ending = {0};
    enum mir_carrier shape = making->d->carrier;
    if (!program || find_tender(making->engine->core, shape, making->kernel, &tender, err))
        return -1;
    const char *const words[] = {
        program, "make", mir_carrier_name(shape), "--json", tender ? "--tender" : NULL,
        tender,  NULL};
    const struct mir_child child = {
        .words = words, .take = take, .hear = tell, .ctx = making, .wanted = wanted};
    int rc = mir_child_run(&child, &ending);
    return understand(making, rc, &ending, ret, err);
}

int mird_carrier_base(struct mird_engine *engine, struct mird_entry *entry,
                      const struct mird_deployment *d, struct mird_subject *subject,
                      struct mird_answer *ret)
{
    struct mir_error *err = &ret->error;
    struct making making = {.engine = engine, .entry = entry, .d = d, .kernel = &subject->plain};
    struct mird_wanted wanted;
    char *base = NULL;
    mird_wanted_init(&wanted, engine, d->id);
    mir_buf_init(&making.answer, ANSWER_MAX);
    int rc = mir_fault_before("carrier.base", err);
    if (!rc)
        rc = make(&making, &wanted.wanted, &base, err);
    if (!rc)
        rc = mir_fault_after("carrier.base", err);
    mir_buf_clear(&making.answer);
    ret->final = rc && making.complains;
    subject->base = base;
    return rc;
}

/* --- what it is told --- */

static void add_ports(const struct mird_deployment *d, struct img_carrier_conf *conf)
{
    for (unsigned i = 0; i < d->port_count && conf->open_count < IMG_CARRIER_OPEN_MAX; i++)
        conf->open[conf->open_count++] = d->ports[i].guest_port;
    for (unsigned i = 0; i < d->place.open_count && conf->open_count < IMG_CARRIER_OPEN_MAX; i++)
        conf->open[conf->open_count++] = d->place.open[i];
}

/* Its first process has no TLS. */
static char *announce_url(const struct mird_core *core, const struct mird_deployment *d)
{
    const struct mir_provider *provider = mir_prov_info(mird_core_provider(core, d->provider));
    return strncmp(core->public_url, "http://", strlen("http://"))
               ? NULL
               : mird_announce_url(core->public_url, provider->guest_host);
}

int mird_carrier_told(const struct mird_core *core, const struct mird_deployment *d,
                      const struct mir_kernel *kernel, char *out, size_t size,
                      struct mir_error *err)
{
    mir_auto_buf struct mir_buf text;
    mir_auto_free char *announce = announce_url(core, d);
    bool keeps = d->takes_part & MIR_PART_DEADLINE && !mir_forever(d->deadline_s);
    struct img_carrier_conf conf = {.format = kernel->format,
                                    .memory_bytes = d->guest_bytes,
                                    .name = d->name,
                                    .announce = announce,
                                    .token = d->token,
                                    .url = d->url,
                                    .digest = d->kernel,
                                    .arguments = d->arguments,
                                    .deadline_s = keeps ? d->deadline_s + MIRD_GUEST_GRACE_S : 0};
    for (unsigned i = 0; i < kernel->device_count && !conf.device; i++)
        if (kernel->devices[i].kind == MIR_DEVICE_NET)
            conf.device = kernel->devices[i].name;
    bool solo5 = kernel->format == MIR_FORMAT_SOLO5_SPT || kernel->format == MIR_FORMAT_SOLO5_HVT;
    if ((solo5 && !conf.device) || d->machine.nic == MIR_CARD_NONE)
        conf.net = IMG_CARRIER_NO_NET;
    add_ports(d, &conf);
    if (mird_carrier_answers(d)) {
        conf.answer = mird_ownership_port(d->url, d->ports, d->port_count, &d->place);
        conf.answer_deadline_s = keeps ? d->deadline_s : 0;
    }
    mir_buf_init(&text, size - 1);
    if (img_carrier_conf_write(&conf, &text, err))
        return -1;
    return mir_copy(out, size, mir_buf_text(&text));
}
