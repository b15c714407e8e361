/* SPDX-License-Identifier: ISC */
/* "Is it still listed?", asked by many teardowns at once: one listing answers all who asked before
 * it began. Ten thousand leases that end in the same second do not list ten thousand times. Where
 * one place does not answer, those in the others are told by theirs. */
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "engine_parts.h"

/* Those that one listing answers, by id. */
struct answers {
    const struct mird_identity *identity;
    struct mird_question **questions; /* owned */
    size_t count;
    unsigned listed;
};

static int by_id(const void *a, const void *b)
{
    const struct mird_question *const *left = a, *const *right = b;
    int kinds = ((*left)->kind > (*right)->kind) - ((*left)->kind < (*right)->kind);
    return kinds ? kinds : strcmp((*left)->id, (*right)->id);
}

static int answer_one(void *ctx, const struct mir_instance *instance)
{
    struct answers *answers = ctx;
    struct mird_question key = {.kind = instance->kind, .id = instance->tags.deployment},
                         *wanted = &key;
    answers->listed++;
    struct mird_question **found =
        bsearch(&wanted, answers->questions, answers->count, sizeof(struct mird_question *), by_id);
    const struct mird_identity *ours = answers->identity;
    if (!found || !mird_shows(instance, (*found)->kind, (*found)->id,
                              mir_tags_verify(&instance->tags, ours->tag_key), ours->installation))
        return 0;
    *(*found)->found = *instance;
    (*found)->listed.seen = true;
    return 0;
}

static struct answers gather(const struct mird_engine *engine, struct mird_question *list)
{
    struct answers answers = {.identity = &engine->core->identity};
    for (struct mird_question *q = list; q; q = q->next)
        answers.count++;
    answers.questions = mir_calloc(answers.count, sizeof(struct mird_question *));
    answers.count = 0;
    for (struct mird_question *q = list; q; q = q->next)
        answers.questions[answers.count++] = q;
    qsort(answers.questions, answers.count, sizeof(struct mird_question *), by_id);
    return answers;
}

/* What a listing came to, for one question. */
struct outcome {
    bool known;
    int rc;
    unsigned listed;
    struct mir_error err;
};

static bool same_place(const struct mir_place *a, const struct mir_place *b)
{
    return !strcmp(a->cloud, b->cloud) && !strcmp(a->region, b->region);
}

/* Of all that is there: one answer for all who ask. */
static struct outcome ask_all(struct mird_lane *lane, struct answers *answers)
{
    struct outcome all = {.known = true};
    all.rc = mir_prov_sweep(lane->prov, answer_one, answers, &all.err);
    all.listed = answers->listed;
    return all;
}

/* Something did not answer: each place alone says of those that are in it. Of what was found
 * without a record nobody knows the place. */
static void ask_places(struct mird_lane *lane, struct answers *answers, struct outcome *outcomes)
{
    for (size_t i = 0; i < answers->count; i++) {
        const struct mir_place *place = &answers->questions[i]->place;
        struct outcome one = {.known = true};
        if (outcomes[i].known || (!*place->cloud && !*place->region))
            continue;
        answers->listed = 0;
        one.rc = mir_prov_sweep_place(lane->prov, place, answer_one, answers, &one.err);
        one.listed = answers->listed;
        for (size_t k = i; k < answers->count; k++)
            if (same_place(&answers->questions[k]->place, place))
                outcomes[k] = one;
    }
}

static struct outcome *ask(struct mird_lane *lane, struct answers *answers)
{
    struct outcome *outcomes = mir_calloc(answers->count, sizeof *outcomes);
    struct outcome all = ask_all(lane, answers);
    if (all.rc && mir_prov_info(lane->prov)->sweep_place)
        ask_places(lane, answers, outcomes);
    for (size_t i = 0; i < answers->count; i++)
        if (!outcomes[i].known)
            outcomes[i] = all;
    return outcomes;
}

/* With engine->lock held on entry and on return. */
static void lead(struct mird_engine *engine, struct mird_lane *lane)
{
    struct answers answers = gather(engine, lane->asked);
    lane->asked = NULL;
    lane->listing = true;
    pthread_mutex_unlock(&engine->lock);
    int64_t began_ms = mird_engine_now_ms(engine);
    struct outcome *outcomes = ask(lane, &answers);
    pthread_mutex_lock(&engine->lock);
    for (size_t i = 0; i < answers.count; i++) {
        struct mird_question *q = answers.questions[i];
        q->listed.at_ms = began_ms;
        q->listed.count = outcomes[i].listed;
        q->rc = outcomes[i].rc;
        q->err = outcomes[i].err;
        q->answered = true;
    }
    free(outcomes);
    free(answers.questions);
    lane->listing = false;
    pthread_cond_broadcast(&lane->listed);
}

int mird_listing_ask(struct mird_engine *engine, struct mird_lane *lane, struct mird_question *q,
                     struct mir_error *err)
{
    pthread_mutex_lock(&engine->lock);
    q->next = lane->asked;
    lane->asked = q;
    while (!q->answered)
        if (lane->listing)
            pthread_cond_wait(&lane->listed, &engine->lock);
        else
            lead(engine, lane);
    pthread_mutex_unlock(&engine->lock);
    if (q->rc && err)
        *err = q->err;
    return q->rc;
}
