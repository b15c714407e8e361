/* SPDX-License-Identifier: ISC */
#include "api/beside.h"

#include <pthread.h>
#include <stdbool.h>

/* What a call over TLS needs, and sanitizers add to it. */
#define STACK_BYTES ((size_t)1 << 20)

static void *do_one(void *arg)
{
    struct mir_beside *one = arg;
    one->err = (struct mir_error){.kind = MIR_OK};
    one->rc = one->fn(one->ctx, &one->err);
    return NULL;
}

static bool begin(struct mir_beside *one, pthread_t *ret_thread)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    bool begun = !pthread_create(ret_thread, &attr, do_one, one);
    pthread_attr_destroy(&attr);
    return begun;
}

void mir_beside(struct mir_beside *list, size_t count)
{
    pthread_t threads[MIR_BESIDE_MAX];
    bool begun[MIR_BESIDE_MAX] = {false};
    for (size_t i = 0; i + 1 < count && i < MIR_BESIDE_MAX; i++)
        begun[i] = begin(&list[i], &threads[i]);
    for (size_t i = count; i-- > 0;)
        if (i >= MIR_BESIDE_MAX || !begun[i])
            do_one(&list[i]);
    for (size_t i = 0; i < count && i < MIR_BESIDE_MAX; i++)
        if (begun[i])
            pthread_join(threads[i], NULL);
}

int mir_beside_first(const struct mir_beside *list, size_t count, struct mir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].rc && err)
            *err = list[i].err;
        if (list[i].rc)
            return -1;
    }
    return 0;
}
