/* SPDX-License-Identifier: ISC */
#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/http.h"
#include "api/log.h"
#include "api/memory.h"
#include "blob.h"

#define FETCH_MAX ((size_t)1 << 30)
#define FETCH_MS 600000
#define THREADS_MAX 8u
#define LOOK_MS 200

/* One on its way; in the world's list. */
struct fos_fetching {
    struct fos_fetching *next;
    struct fc_world *world;
    pthread_t thread;
    char *region, *id, *uri;
    bool over;
};

static void free_one(struct fos_fetching *one)
{
    pthread_join(one->thread, NULL);
    free(one->region);
    free(one->id);
    free(one->uri);
    free(one);
}

struct outcome {
    struct fos_fetching *one;
    char *file; /* owned; NULL: not had */
    bool over;
};

static void done(void *ctx, struct mir_http_response *response, const struct mir_error *why)
{
    struct outcome *outcome = ctx;
    struct mir_error err = {0};
    outcome->over = true;
    if (!response || response->status != 200) {
        mir_log(MIR_LOG_WARN, "glance", "%s cannot be fetched: %s", outcome->one->uri,
                response ? "its status is not 200" : why->text);
        return;
    }
    struct fc_body body = {.fd = -1, .len = response->body.len, .memory = response->body};
    outcome->file = fc_blob_keep(outcome->one->world, &body, &err);
}

static bool stopping(struct fc_world *world)
{
    pthread_mutex_lock(&world->lock);
    bool stops = world->fetching_ends;
    pthread_mutex_unlock(&world->lock);
    return stops;
}

/* The name of a blob with what is at the URI; owned, NULL. Looks now and then whether the fake is
 * to end. */
static char *get(struct fos_fetching *one)
{
    struct mir_error err = {0};
    struct outcome outcome = {.one = one};
    struct mir_http_pool *pool = mir_http_pool_new(&err);
    const struct mir_http_request request = {.url = one->uri,
                                             .timeout_ms = FETCH_MS,
                                             .response_max = FETCH_MAX,
                                             .redirects_max = 5,
                                             .fresh = true};
    if (!pool || mir_http_pool_add(pool, &request, done, &outcome, NULL, &err)) {
        mir_log(MIR_LOG_WARN, "glance", "%s cannot be fetched: %s", one->uri, err.text);
        outcome.over = true;
    }
    while (!outcome.over && !stopping(one->world))
        if (mir_http_pool_run(pool, LOOK_MS, &err))
            break;
    mir_http_pool_free(pool);
    return outcome.file;
}

static void *fetch(void *ctx)
{
    struct fos_fetching *one = ctx;
    struct fc_world *world = one->world;
    mir_auto_free char *file = get(one);
    pthread_mutex_lock(&world->lock);
    const struct fc_cause cause = {"glance.Fetch", "-", fc_world_now_ms(world)};
    if (file || !world->fetching_ends) { /* else it is fetched again after the next start */
        fos_fetched(world, one->region, one->id, file, &cause);
        fc_world_commit(world, &cause);
    }
    one->over = true;
    pthread_mutex_unlock(&world->lock);
    return NULL;
}

static void forget_over(struct fc_world *world)
{
    for (struct fos_fetching **slot = &world->fetching; *slot;) {
        struct fos_fetching *one = *slot;
        if (one->over) {
            *slot = one->next;
            free_one(one); /* says so with its last breath under the lock */
        } else {
            slot = &one->next;
        }
    }
}

static unsigned running(const struct fc_world *world)
{
    unsigned count = 0;
    for (const struct fos_fetching *one = world->fetching; one; one = one->next)
        count++;
    return count;
}

void fos_fetch(struct fc_world *world, const struct fc_object *image, const char *uri)
{
    const struct fc_cause cause = {"glance.Fetch", "-", fc_world_now_ms(world)};
    forget_over(world);
    struct fos_fetching *one = mir_calloc(1, sizeof *one);
    *one = (struct fos_fetching){.next = world->fetching,
                                 .world = world,
                                 .region = mir_strdup(image->region),
                                 .id = mir_strdup(image->id),
                                 .uri = mir_strdup(uri)};
    if (!world->fetching_ends && running(world) < THREADS_MAX &&
        !pthread_create(&one->thread, NULL, fetch, one)) {
        world->fetching = one;
        return;
    }
    fos_fetched(world, one->region, one->id, NULL, &cause);
    free(one->region);
    free(one->id);
    free(one->uri);
    free(one);
}

void fos_fetch_again(struct fc_world *world)
{
    pthread_mutex_lock(&world->lock);
    for (struct fc_object *o = NULL; (o = fc_store_each(world->store, o, "os-image", NULL));)
        if (!strcmp(fc_text_at(o->doc, "status"), "importing") && !fc_at(o->doc, "_staged") &&
            fc_at(o->doc, "_uri"))
            fos_fetch(world, o, fc_text_at(o->doc, "_uri"));
    pthread_mutex_unlock(&world->lock);
}

void fos_fetch_stop(struct fc_world *world)
{
    pthread_mutex_lock(&world->lock);
    struct fos_fetching *one = world->fetching;
    world->fetching = NULL;
    world->fetching_ends = true;
    pthread_mutex_unlock(&world->lock);
    while (one) {
        struct fos_fetching *next = one->next;
        free_one(one);
        one = next;
    }
}
