/* SPDX-License-Identifier: ISC */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/cleanup.h"
#include "api/clock.h"
#include "api/file.h"
#include "api/id.h"
#include "api/json.h"
#include "api/memory.h"
#include "calls.h"
#include "faults.h"
#include "guests.h"
#include "os.h"
#include "roles.h"
#include "throttle.h"
#include "tick.h"

#define ACCOUNT_FILE "account.json"

const char *const fc_regions[] = {"us-east-1",    "us-east-2",      "us-west-1",  "us-west-2",
                                  "eu-central-1", "eu-west-1",      "eu-north-1", "ap-south-1",
                                  "sa-east-1",    "ap-northeast-1", NULL};

static const struct setting {
    const char *name;
    size_t offset;
    int64_t value;
} settings_table[] = {
    {"visible_ms", offsetof(struct fc_settings, visible_ms), 100},
    {"stale_ms", offsetof(struct fc_settings, stale_ms), 100},
    {"boot_ms", offsetof(struct fc_settings, boot_ms), 300},
    {"shutdown_ms", offsetof(struct fc_settings, shutdown_ms), 300},
    {"snapshot_ms", offsetof(struct fc_settings, snapshot_ms), 300},
    {"shown_ms", offsetof(struct fc_settings, shown_ms), 3600 * 1000},
    {"skew_s", offsetof(struct fc_settings, skew_s), 300},
    {"skew_s3_s", offsetof(struct fc_settings, skew_s3_s), 900},
    {"throttle", offsetof(struct fc_settings, throttle), 1},
    {"vcpu_limit", offsetof(struct fc_settings, vcpu_limit), 1152},
    {"address_limit", offsetof(struct fc_settings, address_limit), 5},
    {"page_max", offsetof(struct fc_settings, page_max), 1000},
    {"guest_mib", offsetof(struct fc_settings, guest_mib), 256},
    {"os_image", offsetof(struct fc_settings, os_image), 1},
    {"os_compute", offsetof(struct fc_settings, os_compute), 1},
    {"os_network", offsetof(struct fc_settings, os_network), 1},
    {"os_object_store", offsetof(struct fc_settings, os_object_store), 1},
    {"os_volume", offsetof(struct fc_settings, os_volume), 0},
    {"os_workflow", offsetof(struct fc_settings, os_workflow), 0},
    {"os_reservation", offsetof(struct fc_settings, os_reservation), 0},
    {"os_token_s", offsetof(struct fc_settings, os_token_s), 3600},
    {"os_listed_ms", offsetof(struct fc_settings, os_listed_ms), 100},
    {"os_power_off_ms", offsetof(struct fc_settings, os_power_off_ms), 300},
    {"os_stop_ms", offsetof(struct fc_settings, os_stop_ms), 300},
    {"os_save_ms", offsetof(struct fc_settings, os_save_ms), 0},
    {"os_deletes", offsetof(struct fc_settings, os_deletes), 1},
    {"os_nova_minor", offsetof(struct fc_settings, os_nova_minor), 93},
    {"os_multihash", offsetof(struct fc_settings, os_multihash), 1},
    {"os_upload", offsetof(struct fc_settings, os_upload), 1},
    {"os_import", offsetof(struct fc_settings, os_import), 3},
    {"os_image_max_mib", offsetof(struct fc_settings, os_image_max_mib), 0},
    {"os_networks", offsetof(struct fc_settings, os_networks), 1},
    {"os_shared_networks", offsetof(struct fc_settings, os_shared_networks), 0},
    {"os_ipv6", offsetof(struct fc_settings, os_ipv6), 0},
    {"os_instances", offsetof(struct fc_settings, os_instances), 10},
    {"os_cores", offsetof(struct fc_settings, os_cores), 20},
    {"os_ram_mib", offsetof(struct fc_settings, os_ram_mib), 51200},
    {"os_floating_ips", offsetof(struct fc_settings, os_floating_ips), 50},
    {"os_security_groups", offsetof(struct fc_settings, os_security_groups), 10},
    {"os_rules", offsetof(struct fc_settings, os_rules), 100},
    {"os_ports", offsetof(struct fc_settings, os_ports), 500},
};

static int64_t *setting_slot(struct fc_settings *settings, const struct setting *row)
{
    return (int64_t *)(void *)((char *)settings + row->offset);
}

int fc_settings_set(struct fc_settings *settings, const char *name, int64_t value,
                    struct mir_error *err)
{
    for (size_t i = 0; i < MIR_NELEMS(settings_table); i++) {
        if (strcmp(settings_table[i].name, name) != 0)
            continue;
        if (value < 0)
            return mir_fail(err, MIR_USAGE, "%s cannot be negative", name);
        *setting_slot(settings, &settings_table[i]) = value;
        return 0;
    }
    return mir_fail(err, MIR_USAGE, "there is no setting %.40s", name);
}

json_t *fc_settings_json(const struct fc_settings *settings)
{
    struct fc_settings copy = *settings;
    json_t *json = json_object();
    for (size_t i = 0; i < MIR_NELEMS(settings_table); i++)
        json_object_set_new(json, settings_table[i].name,
                            json_integer(*setting_slot(&copy, &settings_table[i])));
    return json;
}

/* --- the clock --- */

int64_t fc_world_now_ms(const struct fc_world *world)
{
    const struct mir_clock *system = mir_clock_system();
    return world->clock.frozen ? world->clock.frozen_ms
                               : system->utc_ms(system->ctx) + world->clock.offset_ms;
}

static void keep_clock(struct fc_world *world)
{
    struct fc_cause cause = {"control.clock", "-", fc_world_now_ms(world)};
    struct fc_object *object = fc_store_get(world->store, "clock", "", "clock");
    json_t *doc =
        json_pack("{s:I,s:b,s:I}", "offset_ms", (json_int_t)world->clock.offset_ms, "frozen",
                  (int)world->clock.frozen, "frozen_ms", (json_int_t)world->clock.frozen_ms);
    if (object) {
        json_object_update(fc_store_edit(world->store, object, 0, 0), doc);
        json_decref(doc);
    } else {
        fc_store_add(world->store, "clock", "", "clock", doc, &cause);
    }
    fc_world_commit(world, &cause);
}

void fc_world_set_clock(struct fc_world *world, const struct fc_clock *clock)
{
    world->clock = *clock;
    keep_clock(world);
    fc_world_tick(world);
}

static void read_clock(struct fc_world *world)
{
    const struct fc_object *object = fc_store_get(world->store, "clock", "", "clock");
    if (!object)
        return;
    world->clock.offset_ms = json_integer_value(fc_at(object->doc, "offset_ms"));
    world->clock.frozen = json_is_true(fc_at(object->doc, "frozen"));
    world->clock.frozen_ms = json_integer_value(fc_at(object->doc, "frozen_ms"));
}

/* --- time passes --- */

void fc_world_tick(struct fc_world *world)
{
    /* One change may make the next one due; an end is near in any case. */
    for (int round = 0; round < 16; round++) {
        int64_t now_ms = fc_world_now_ms(world), due_ms = fc_store_due(world->store);
        struct fc_cause cause = {"cloud.time", "-", now_ms};
        if (!due_ms || due_ms > now_ms)
            return;
        for (struct fc_object *o = NULL; (o = fc_store_next(world->store, o));)
            if (o->due_ms && o->due_ms <= now_ms)
                fc_tick_object(world, o, &cause);
        fc_world_commit(world, &cause);
        fc_store_due_again(world->store);
    }
}

/* The fake's clock says when; how long that is on this machine's clock is unknown when it stands.
 */
static void *tick_for_ever(void *ctx)
{
    struct fc_world *world = ctx;
    pthread_mutex_lock(&world->lock);
    while (!world->stopping) {
        fc_world_tick(world);
        int64_t due_ms = fc_store_due(world->store);
        if (!due_ms || world->clock.frozen) {
            pthread_cond_wait(&world->changed, &world->lock);
            continue;
        }
        int64_t real_ms = due_ms - world->clock.offset_ms;
        struct timespec until = {.tv_sec = (time_t)(real_ms / 1000),
                                 .tv_nsec = (long)(real_ms % 1000) * 1000000};
        pthread_cond_timedwait(&world->changed, &world->lock, &until);
    }
    pthread_mutex_unlock(&world->lock);
    return NULL;
}

void fc_world_commit(struct fc_world *world, const struct fc_cause *cause)
{
    struct mir_error err = {0};
    if (fc_store_commit(world->store, cause, &err)) {
        fprintf(stderr, "mirage-fakecloud: %s\n", err.text);
        _exit(1);
    }
    pthread_cond_signal(&world->changed);
    if (world->guests)
        fc_guests_wake(world->guests);
}

/* --- the account --- */

static int read_account(struct fc_world *world, const char *path, struct mir_error *err)
{
    mir_auto_free char *text = NULL;
    size_t len = 0;
    const char *id, *key, *secret, *signing;
    if (mir_file_read(path, 4096, &text, &len, err))
        return -1;
    json_t *json = mir_json_parse(text, len, 4096, err);
    struct fc_account *account = &world->account;
    int bad = !json || json_unpack(json, "{s:s,s:s,s:s,s:s}", "account", &id, "access_key", &key,
                                   "secret", &secret, "signing_key", &signing);
    if (!bad)
        bad = mir_copy(account->id, sizeof account->id, id) ||
              mir_copy(account->access_key, sizeof account->access_key, key) ||
              mir_copy(account->secret, sizeof account->secret, secret) ||
              mir_copy(account->signing_key, sizeof account->signing_key, signing);
    json_decref(json);
    return bad ? mir_fail(err, MIR_CORRUPT, "%s is not an account", path) : 0;
}

/* Keys look like real ones and are random, so that nobody takes them for his own. */
static int make_account(struct fc_world *world, struct mir_error *err)
{
    struct fc_account *account = &world->account;
    char a[MIR_ID_TEXT], b[MIR_ID_TEXT];
    unsigned char bytes[32];
    mir_id_new(mir_random_system(), a);
    mir_id_new(mir_random_system(), b);
    mir_random_system()->bytes(NULL, bytes, sizeof bytes);
    mir_copy(account->id, sizeof account->id, "123456789012");
    for (char *p = a; *p; p++)
        *p = *p >= 'a' ? (char)(*p - 'a' + 'A') : (char)(*p - '0' + 'G');
    snprintf(account->access_key, sizeof account->access_key, "AKIA%.16s", a);
    snprintf(account->secret, sizeof account->secret, "fake/%.32s+%.2s", b, a);
    mir_hex(bytes, sizeof bytes, account->signing_key);
    json_t *json =
        json_pack("{s:s,s:s,s:s,s:s}", "account", account->id, "access_key", account->access_key,
                  "secret", account->secret, "signing_key", account->signing_key);
    mir_auto_free char *text = mir_json_text(json);
    json_decref(json);
    return mir_file_write_at(world->dir_fd, ACCOUNT_FILE, text, strlen(text), 0600, err);
}

static int open_account(struct fc_world *world, struct mir_error *err)
{
    mir_auto_free char *path = mir_format("%s/" ACCOUNT_FILE, world->dir);
    return access(path, F_OK) ? make_account(world, err) : read_account(world, path, err);
}

/* --- open and close --- */

int fc_world_open(const char *dir, struct fc_world **ret, struct mir_error *err)
{
    if (mir_dir_make(dir, 0700, err))
        return -1;
    struct fc_world *world = mir_calloc(1, sizeof *world);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    for (size_t i = 0; i < MIR_NELEMS(settings_table); i++)
        *setting_slot(&world->settings, &settings_table[i]) = settings_table[i].value;
    world->dir = realpath(dir, NULL);
    world->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    world->faults = fc_faults_new();
    world->buckets = fc_buckets_new();
    world->calls = fc_calls_new();
    if (!world->dir || world->dir_fd < 0)
        mir_fail_errno(err, errno, "cannot use %s", dir);
    if (!world->dir || world->dir_fd < 0 || open_account(world, err) ||
        fc_store_open(world->dir, &world->store, err)) {
        fc_world_close(world);
        return -1;
    }
    read_clock(world);
    fc_roles_ready(world);
    fos_ready(world);
    if (pthread_create(&world->ticker, NULL, tick_for_ever, world)) {
        fc_world_close(world);
        return mir_fail(err, MIR_FAILED, "cannot start a thread");
    }
    *ret = world;
    return 0;
}

void fc_world_close(struct fc_world *world)
{
    if (!world)
        return;
    if (world->ticker) {
        pthread_mutex_lock(&world->lock);
        world->stopping = true;
        pthread_cond_signal(&world->changed);
        pthread_mutex_unlock(&world->lock);
        pthread_join(world->ticker, NULL);
    }
    fc_store_close(world->store);
    fc_faults_free(world->faults);
    fc_buckets_free(world->buckets);
    fc_calls_free(world->calls);
    pthread_cond_destroy(&world->changed);
    pthread_mutex_destroy(&world->lock);
    if (world->dir_fd >= 0)
        close(world->dir_fd);
    free(world->dir);
    free(world);
}

/* --- documents --- */

bool fc_visible(const struct fc_object *object, int64_t now_ms)
{
    return object->forget_ms >= 0 && now_ms >= object->visible_ms;
}

const json_t *fc_shown(const struct fc_object *object, int64_t now_ms)
{
    return object->before && now_ms < object->before_until_ms ? object->before : object->doc;
}

json_t *fc_at(const json_t *doc, const char *path)
{
    json_t *at = NULL;
    while (doc && *path) {
        size_t len = strcspn(path, ".");
        char name[64];
        if (len >= sizeof name)
            return NULL;
        memcpy(name, path, len);
        name[len] = '\0';
        at = json_object_get(doc, name);
        doc = at;
        path += len + (path[len] == '.');
    }
    return at;
}

const char *fc_text_at(const json_t *doc, const char *path)
{
    const char *text = json_string_value(fc_at(doc, path));
    return text ? text : "";
}
