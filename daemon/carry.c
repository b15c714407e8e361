/* SPDX-License-Identifier: ISC */
#include "carry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/child.h"
#include "api/cleanup.h"
#include "api/json.h"
#include "api/memory.h"
#include "api/process.h"
#include "daemon/kernel_store.h"
#include "disk_file.h"
#include "engine_parts.h"
#include "tender.h"

#define ANSWER_MAX ((size_t)64 << 10)
#define DISK_MAX ((uint64_t)512 << 20)

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
    free(subject->base);
}

/* --- the base --- */

static int take(void *ctx, const void *data, size_t len, struct mir_error *err)
{
    struct mir_buf *answer = ctx;
    return mir_buf_add(answer, data, len)
               ? mir_fail(err, MIR_CORRUPT, "mirage-carrier said more than it ever should")
               : 0;
}

/* Its own error is in what it says; how it ended says less. */
static int understand(const struct mir_buf *answer, int rc, struct mir_error *ending, char **ret,
                      struct mir_error *err)
{
    json_t *json = mir_json_parse(mir_buf_text(answer), answer->len, ANSWER_MAX, NULL);
    const json_t *error = json_object_get(json, "error");
    const char *folder = json_string_value(json_object_get(json, "folder"));
    const char *text = json_string_value(json_object_get(error, "text"));
    const char *hint = json_string_value(json_object_get(error, "hint"));
    enum mir_kind kind = mir_kind_by_name(json_string_value(json_object_get(error, "code")));
    if (text) {
        rc =
            mir_fail(err, kind != MIR_OK ? kind : MIR_INTERNAL, "the carrier's base: %.400s", text);
        if (hint && *hint)
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

int mird_carrier_base(const struct mird_core *core, const struct mird_deployment *d,
                      struct mird_subject *subject, struct mir_error *err)
{
    mir_auto_free char *program = mir_program_path("mirage-carrier", err);
    mir_auto_free char *tender = NULL;
    mir_auto_buf struct mir_buf answer;
    struct mir_error ending = {0};
    mir_buf_init(&answer, ANSWER_MAX);
    if (!program || find_tender(core, d->carrier, &subject->plain, &tender, err))
        return -1;
    const char *const words[] = {
        program, "make", mir_carrier_name(d->carrier), "--json", tender ? "--tender" : NULL,
        tender,  NULL};
    const struct mir_child child = {.words = words, .take = take, .ctx = &answer};
    int rc = mir_child_run(&child, &ending);
    return understand(&answer, rc, &ending, &subject->base, err);
}

/* --- what it is told --- */

static void add_ports(const struct mird_deployment *d, struct img_carrier_conf *conf)
{
    for (unsigned i = 0; i < d->port_count && conf->open_count < IMG_CARRIER_OPEN_MAX; i++)
        conf->open[conf->open_count++] = d->ports[i].guest_port;
    for (unsigned i = 0; i < d->place.open_count && conf->open_count < IMG_CARRIER_OPEN_MAX; i++)
        conf->open[conf->open_count++] = d->place.open[i];
}

int mird_carrier_told(const struct mird_core *core, const struct mird_deployment *d,
                      const struct mir_kernel *kernel, char *out, size_t size,
                      struct mir_error *err)
{
    mir_auto_buf struct mir_buf text;
    bool keeps = d->takes_part & MIR_PART_DEADLINE && !mir_forever(d->deadline_s);
    struct img_carrier_conf conf = {.format = kernel->format,
                                    .memory_bytes = d->guest_bytes,
                                    .name = d->name,
                                    .token = d->token,
                                    .url = d->url,
                                    .digest = d->kernel,
                                    .arguments = d->arguments,
                                    .deadline_s = keeps ? d->deadline_s + MIRD_GUEST_GRACE_S : 0};
    (void)core;
    for (unsigned i = 0; i < kernel->device_count && !conf.device; i++)
        if (kernel->devices[i].kind == MIR_DEVICE_NET)
            conf.device = kernel->devices[i].name;
    bool solo5 = kernel->format == MIR_FORMAT_SOLO5_SPT || kernel->format == MIR_FORMAT_SOLO5_HVT;
    if (solo5 && !conf.device)
        conf.net = IMG_CARRIER_NO_NET;
    add_ports(d, &conf);
    mir_buf_init(&text, size - 1);
    if (img_carrier_conf_write(&conf, &text, err))
        return -1;
    return mir_copy(out, size, mir_buf_text(&text));
}

/* --- its disk, for a provider that is given files --- */

char *mird_carried_path(const struct mird_core *core, const char *id)
{
    return mir_format("%s/carried/%s.raw", core->state_dir, id);
}

static int open_new(const struct mird_core *core, const char *path, int *ret, struct mir_error *err)
{
    mir_auto_free char *folder = mir_format("%s/carried", core->state_dir);
    if (mkdir(folder, 0700) && errno != EEXIST)
        return mir_fail_errno(err, errno, "cannot make %s", folder);
    *ret = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return *ret < 0 ? mir_fail_errno(err, errno, "cannot create %s", path) : 0;
}

/* Of the machine here all disks are alike: it boots by BIOS. */
int mird_carried_make(const struct mird_core *core, const struct mir_instance_spec *spec,
                      const char *id, struct mir_error *err)
{
    const struct mir_needs needs = {.image = MIR_IMAGE_RAW, .firmware = MIR_FIRMWARE_BIOS};
    mir_auto_free char *path = mird_carried_path(core, id);
    mir_auto_free char *temp = mir_format("%s.new", path);
    mir_auto_close int fd = -1;
    if (!access(path, F_OK))
        return 0;
    if (open_new(core, temp, &fd, err))
        return -1;
    int rc = mird_disk_write(&core->imager, spec, &needs, DISK_MAX, fd, err);
    if (!rc && rename(temp, path))
        rc = mir_fail_errno(err, errno, "cannot put %s in place", path);
    if (rc)
        unlink(temp);
    return rc;
}

void mird_carried_forget(const struct mird_core *core, const char *id)
{
    mir_auto_free char *path = mird_carried_path(core, id);
    mir_auto_free char *temp = mir_format("%s.new", path);
    unlink(path);
    unlink(temp);
}
