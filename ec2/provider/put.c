/* SPDX-License-Identifier: ISC */
/* The upload: the kernel's disk goes block by block into a snapshot, and the snapshot is registered
 * as an image. What is there already is gone on with: an image of the same disk that this
 * installation has is borrowed, a snapshot that was completed is registered, and one that was left
 * in the middle is deleted and made again. */
#include <stdio.h>
#include <string.h>

#include "api/memory.h"
#include "cloud.h"
#include "ec2/upload.h"
#include "machines.h"

#define PUT_MS 600000
#define IMAGER_MS 120000
#define POLL_MS 1000
#define TIMEOUT_MIN 60                  /* after which EC2 gives an unfinished snapshot up */
#define BORROW_S 900                    /* an image has to be its owner's for so long at least */
#define TAG_WHOLE "mirage-deploy:whole" /* of a snapshot: all of it was sent, and completed */
#define ROOT_HVM "/dev/xvda"
#define ROOT_PV "/dev/sda"
#define GIB ((uint64_t)1 << 30)

struct put {
    struct cloud *cloud;
    struct ec2_session *session;
    const struct mir_instance_spec *spec;
    struct ec2_machine machine;
    struct mir_needs needs;
    char disk[MIR_SHA256_TEXT];
    struct cloud_tags tags;
    int64_t until_ms;
    char snapshot[EC2_SNAPSHOT_ID_TEXT];
    char image[EC2_ID_TEXT];
};

static bool time_left(const struct put *put)
{
    return put->until_ms > ec2_until(put->session, POLL_MS);
}

/* Something is under way and its end was not seen: the next attempt goes on with it. */
static int not_yet(const char *what, const char *id, struct mir_error *err)
{
    mir_fail(err, MIR_TIMEOUT, "%s %s is not ready yet", what, id);
    if (err) {
        err->outcome = MIR_OUTCOME_UNKNOWN;
        err->retry = MIR_RETRY_TRANSIENT;
    }
    return -1;
}

/* --- what is there already --- */

/* Somebody else's deadline must not come between this and the launch. */
static bool may_borrow(const struct put *put, const struct ec2_image *row)
{
    struct mir_tags tags;
    const struct mir_clock *clock = put->cloud->clock;
    cloud_tags_read(row->tags, row->tag_count, &tags);
    return !strcmp(row->state, "available") &&
           !strcmp(tags.installation, put->spec->tags.installation) &&
           tags.expires_s >= mir_now_s(clock) + BORROW_S;
}

static int find_image(struct put *put, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    const char *disk[] = {put->disk};
    const struct ec2_filter filter = {.name = "tag:" TAG_DISK, .values = disk, .value_count = 1};
    const struct ec2_describe_images_args args = {
        .owners = self, .owner_count = 1, .filters = &filter, .filter_count = 1};
    struct ec2_images found = {.rows = NULL};
    if (ec2_describe_images(put->session, &args, put->until_ms, &found, err))
        return -1;
    const struct ec2_image *best = NULL;
    for (size_t i = 0; i < found.count; i++) {
        const struct ec2_image *row = &found.rows[i];
        const char *token = ec2_tag_value(row->tags, row->tag_count, TAG_DEPLOYMENT);
        bool own = token && !strcmp(token, put->spec->tags.deployment);
        if (own || (!best && may_borrow(put, row)))
            best = row;
        if (own)
            break;
    }
    if (best)
        mir_copy(put->image, sizeof put->image, best->id);
    ec2_images_clear(&found);
    return 0;
}

static int remove_snapshot(struct put *put, const char *id, struct mir_error *err)
{
    const struct ec2_target target = {.id = id};
    struct mir_error said = {0};
    int rc = ec2_delete_snapshot(put->session, &target, put->until_ms, &said);
    return cloud_gone(rc, &said, err);
}

/* A snapshot under our token: whole, or to be made again. */
static int find_snapshot(struct put *put, struct mir_error *err)
{
    static const char *const self[] = {"self"};
    struct cloud_filter mine;
    struct ec2_snapshots found = {.rows = NULL};
    cloud_by_token(&mine, put->cloud, put->spec->tags.deployment);
    const struct ec2_describe_snapshots_args args = {
        .owners = self, .owner_count = 1, .filters = mine.rows, .filter_count = mine.count};
    if (ec2_describe_snapshots(put->session, &args, put->until_ms, &found, err))
        return -1;
    int rc = 0;
    for (size_t i = 0; !rc && i < found.count; i++) {
        const struct ec2_snapshot *row = &found.rows[i];
        bool whole = ec2_tag_value(row->tags, row->tag_count, TAG_WHOLE) != NULL;
        if (whole && strcmp(row->state, "error") != 0)
            mir_copy(put->snapshot, sizeof put->snapshot, row->id);
        else
            rc = remove_snapshot(put, row->id, err);
    }
    ec2_snapshots_clear(&found);
    return rc;
}

/* --- the blocks --- */

struct reading {
    const struct mir_imager *imager;
    struct mir_disk *disk;
};

static int next_piece(void *ctx, struct ec2_piece *ret, struct mir_error *err)
{
    struct reading *reading = ctx;
    struct mir_disk_range range;
    if (reading->imager->next(reading->disk, &range, err))
        return -1;
    *ret = (struct ec2_piece){.offset = range.at, .data = range.data, .len = (size_t)range.len};
    return 0;
}

static bool shut_out(void *ctx)
{
    const struct put *put = ctx;
    return mir_fence_check(put->cloud->fence, NULL) != 0;
}

static int start_snapshot(struct put *put, uint64_t disk_bytes, struct mir_error *err)
{
    struct ec2_pair pairs[CLOUD_TAGS_MAX];
    struct ec2_ebs_snapshot made = {.id = ""};
    /* What was left in the middle was deleted, and its token would find it again. */
    mir_auto_free char *token =
        mir_format("%s-%lld", put->spec->tags.deployment, (long long)ec2_until(put->session, 0));
    for (size_t i = 0; i < put->tags.count; i++)
        pairs[i] =
            (struct ec2_pair){.name = put->tags.rows[i].key, .value = put->tags.rows[i].value};
    const struct ec2_ebs_start start = {.volume_gib = (int64_t)((disk_bytes + GIB - 1) / GIB),
                                        .description = "one kernel of mirage-deploy",
                                        .tags = pairs,
                                        .tag_count = put->tags.count,
                                        .token = token,
                                        .timeout_min = TIMEOUT_MIN};
    if (mir_fence_check(put->cloud->fence, err) ||
        ec2_ebs_start_snapshot(put->session, &start, put->until_ms, &made, err))
        return -1;
    mir_copy(put->snapshot, sizeof put->snapshot, made.id);
    return 0;
}

static int mark_whole(struct put *put, struct mir_error *err)
{
    const char *const ids[] = {put->snapshot};
    const struct ec2_tag tag = {.key = TAG_WHOLE, .value = "yes"};
    const struct ec2_tagging args = {.ids = ids, .id_count = 1, .tags = &tag, .tag_count = 1};
    struct mir_error said = {0};
    do {
        said = (struct mir_error){0};
        if (!ec2_create_tags(put->session, &args, put->until_ms, &said))
            return 0;
    } while (cloud_again(put->session, put->until_ms, &said));
    return cloud_said(&said, err);
}

static int send_disk(struct put *put, struct mir_error *err)
{
    uint64_t disk_bytes = 0;
    struct reading reading = {.imager = put->cloud->imager};
    const struct ec2_upload_source source = {.next = next_piece, .ctx = &reading};
    const struct ec2_upload_settings settings = {.stop = shut_out, .ctx = put};
    if (!reading.imager)
        return mir_fail(err, MIR_INTERNAL, "there is nobody who makes images here");
    if (reading.imager->open(reading.imager->ctx, put->spec, &put->needs, IMAGER_MS, &reading.disk,
                             &disk_bytes, err))
        return -1;
    int rc = start_snapshot(put, disk_bytes, err);
    if (!rc)
        rc = ec2_upload(put->session, put->snapshot, disk_bytes, &source, &settings, put->until_ms,
                        NULL, err);
    reading.imager->close(reading.disk);
    return rc ? -1 : mark_whole(put, err);
}

/* --- until it is ready --- */

/* What EC2 says of a thing; "" while it does not know it yet. */
typedef int state_fn(const struct put *put, char ret_state[EC2_WORD_TEXT], struct mir_error *err);

static int snapshot_state(const struct put *put, char ret_state[EC2_WORD_TEXT],
                          struct mir_error *err)
{
    const char *const ids[] = {put->snapshot};
    const struct ec2_describe_snapshots_args args = {.ids = ids, .id_count = 1};
    struct ec2_snapshots found = {.rows = NULL};
    struct mir_error said = {0};
    int rc = ec2_describe_snapshots(put->session, &args, put->until_ms, &found, &said);
    mir_copy(ret_state, EC2_WORD_TEXT, !rc && found.count ? found.rows[0].state : "");
    ec2_snapshots_clear(&found);
    return cloud_gone(rc, &said, err);
}

static int image_state(const struct put *put, char ret_state[EC2_WORD_TEXT], struct mir_error *err)
{
    const char *const ids[] = {put->image};
    const struct ec2_describe_images_args args = {.ids = ids, .id_count = 1};
    struct ec2_images found = {.rows = NULL};
    struct mir_error said = {0};
    int rc = ec2_describe_images(put->session, &args, put->until_ms, &found, &said);
    mir_copy(ret_state, EC2_WORD_TEXT, !rc && found.count ? found.rows[0].state : "");
    ec2_images_clear(&found);
    return cloud_gone(rc, &said, err);
}

struct awaited {
    const char *what, *ready, *broken;
    state_fn *state;
};

static int await(const struct put *put, const struct awaited *thing, const char *id,
                 struct mir_error *err)
{
    char state[EC2_WORD_TEXT];
    do {
        if (thing->state(put, state, err))
            return -1;
        if (!strcmp(state, thing->ready))
            return 0;
        if (!strcmp(state, thing->broken))
            return mir_fail(err, MIR_FAILED, "EC2 could not make %s %s", thing->what, id);
        cloud_pause_ms(POLL_MS);
    } while (time_left(put));
    return not_yet(thing->what, id, err);
}

static const struct awaited a_snapshot = {"snapshot", "completed", "error", snapshot_state};
static const struct awaited an_image = {"image", "available", "failed", image_state};

/* --- the image --- */

/* PV-GRUB is a kernel image of Amazon's own, another one in each region. */
static int find_pvgrub(struct put *put, char ret_id[EC2_ID_TEXT], struct mir_error *err)
{
    static const char *const amazon[] = {"amazon"};
    static const char *const names[] = {"pv-grub-hd00_1.05-x86_64.gz"};
    static const struct ec2_filter filter = {.name = "name", .values = names, .value_count = 1};
    const struct ec2_describe_images_args args = {
        .owners = amazon, .owner_count = 1, .filters = &filter, .filter_count = 1};
    struct ec2_images found = {.rows = NULL};
    if (ec2_describe_images(put->session, &args, put->until_ms, &found, err))
        return -1;
    int rc = found.count ? mir_copy(ret_id, EC2_ID_TEXT, found.rows[0].id) : -1;
    ec2_images_clear(&found);
    if (!rc)
        return 0;
    mir_fail(err, MIR_POLICY, "region %s has no PV-GRUB any more",
             ec2_session_region(put->session));
    return mir_error_hint(err, "try another --region, or build the kernel for another target");
}

static int register_image(struct put *put, struct mir_error *err)
{
    static const char *const kinds[] = {"image"};
    bool pv = put->needs.layout == MIR_LAYOUT_PVGRUB;
    char pvgrub[EC2_ID_TEXT] = "";
    struct ec2_image_id made = {.id = ""};
    struct ec2_tag_set set;
    mir_auto_free char *name = mir_format("mirage-%.16s-%s", put->disk, put->spec->tags.deployment);
    const struct ec2_device device = {.name = pv ? ROOT_PV : ROOT_HVM,
                                      .snapshot_id = put->snapshot,
                                      .volume_type = pv ? "standard" : "gp3",
                                      .delete_on_termination = EC2_YES};
    if (pv && find_pvgrub(put, pvgrub, err))
        return -1;
    cloud_tag_sets(&put->tags, kinds, 1, &set);
    const struct ec2_register args = {
        .name = name,
        .description = "one kernel of mirage-deploy",
        .architecture = put->machine.arch == MIR_ARCH_AARCH64 ? "arm64" : "x86_64",
        .virtualization = pv ? "paravirtual" : "hvm",
        .root_device = device.name,
        .devices = &device,
        .device_count = 1,
        .ena = pv               ? EC2_UNSAID
               : put->needs.ena ? EC2_YES
                                : EC2_NO,
        .boot_mode = pv                                         ? NULL
                     : put->needs.firmware == MIR_FIRMWARE_UEFI ? "uefi"
                                                                : "legacy-bios",
        .imds = pv ? NULL : "v2.0",
        .kernel_id = pvgrub,
        .tags = &set,
        .tag_count = 1};
    struct mir_error said = {0};
    if (mir_fence_check(put->cloud->fence, err))
        return -1;
    if (ec2_register_image(put->session, &args, put->until_ms, &made, &said)) {
        /* An earlier attempt has made it, and it is not listed yet: the next one finds it. */
        if (!strcmp(said.provider_code, "InvalidAMIName.Duplicate"))
            said.retry = MIR_RETRY_TRANSIENT;
        return cloud_said(&said, err);
    }
    mir_copy(put->image, sizeof put->image, made.id);
    return 0;
}

/* --- all of it --- */

static int choose(struct put *put, struct mir_error *err)
{
    const struct mir_instance_spec *spec = put->spec;
    if (cloud_needs(spec, &put->machine, &put->needs, err))
        return -1;
    mir_disk_name(spec, &put->needs, put->disk);
    cloud_tags_fill(&put->tags, &spec->tags, spec->name);
    cloud_tags_add(&put->tags, TAG_DISK, put->disk);
    return 0;
}

static int make_image(struct put *put, struct mir_error *err)
{
    if (find_snapshot(put, err))
        return -1;
    if (!*put->snapshot && send_disk(put, err))
        return -1;
    return await(put, &a_snapshot, put->snapshot, err) || register_image(put, err) ? -1 : 0;
}

int cloud_image_put(void *ctx, const struct mir_instance_spec *spec, char ret_id[MIR_INSTANCE_ID],
                    struct mir_error *err)
{
    struct put put = {.cloud = ctx, .spec = spec};
    if (choose(&put, err) || cloud_session(put.cloud, spec->place.region, &put.session, err))
        return -1;
    cloud_remember(put.cloud, spec->tags.deployment, spec->place.region);
    put.until_ms =
        ec2_until(put.session, mir_prov_create_limit_ms(spec->lease, put.cloud->clock, PUT_MS));
    if (find_image(&put, err) || (!*put.image && make_image(&put, err)) ||
        await(&put, &an_image, put.image, err)) {
        /* Whatever was refused last, a snapshot or an image is there, and is found by its tags. */
        if (err && (*put.snapshot || *put.image) && err->outcome == MIR_DID_NOT_HAPPEN)
            err->outcome = MIR_OUTCOME_UNKNOWN;
        return -1;
    }
    mir_copy(ret_id, MIR_INSTANCE_ID, put.image);
    return 0;
}
