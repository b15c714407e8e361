/* SPDX-License-Identifier: ISC */
#include "known.h"

#include <string.h>

#include "api/memory.h"

#define BLOCKS_MIN 8    /* fewer are sent in the time that looking takes */
#define BLOCKS_MAX 4096 /* 2 GiB of disk: 170 KiB of digests */

void cloud_known_init(struct cloud_known *known)
{
    *known = (struct cloud_known){.next = 0};
    pthread_mutex_init(&known->lock, NULL);
}

void cloud_known_clear(struct cloud_known *known)
{
    for (unsigned i = 0; i < CLOUD_KNOWN_MAX; i++)
        ec2_content_clear(&known->rows[i].content);
    pthread_mutex_destroy(&known->lock);
}

void cloud_known_add(struct cloud_known *known, const struct ec2_session *session,
                     const char *snapshot, int64_t volume_gib, struct ec2_content *content)
{
    if (content->count < BLOCKS_MIN || content->count > BLOCKS_MAX) {
        ec2_content_clear(content);
        return;
    }
    pthread_mutex_lock(&known->lock);
    struct cloud_known_row *row = &known->rows[known->next];
    known->next = (known->next + 1) % CLOUD_KNOWN_MAX;
    ec2_content_clear(&row->content);
    row->session = session;
    row->volume_gib = volume_gib;
    row->content = *content;
    *content = (struct ec2_content){0};
    mir_copy(row->snapshot, sizeof row->snapshot, snapshot);
    pthread_mutex_unlock(&known->lock);
}

void cloud_known_drop(struct cloud_known *known, const char *snapshot)
{
    pthread_mutex_lock(&known->lock);
    for (unsigned i = 0; i < CLOUD_KNOWN_MAX; i++)
        if (!strcmp(known->rows[i].snapshot, snapshot)) {
            ec2_content_clear(&known->rows[i].content);
            known->rows[i] = (struct cloud_known_row){.session = NULL};
        }
    pthread_mutex_unlock(&known->lock);
}

bool cloud_known_any(struct cloud_known *known, const struct ec2_session *session)
{
    bool any = false;
    pthread_mutex_lock(&known->lock);
    for (unsigned i = 0; i < CLOUD_KNOWN_MAX; i++)
        any |= known->rows[i].session == session;
    pthread_mutex_unlock(&known->lock);
    return any;
}

bool cloud_known_choose(struct cloud_known *known, const struct ec2_session *session,
                        int64_t volume_gib, const struct ec2_content *wanted,
                        char ret_snapshot[EC2_ID_TEXT], struct ec2_content *ret)
{
    const struct cloud_known_row *best = NULL;
    size_t least = (wanted->count + 1) / 2;
    pthread_mutex_lock(&known->lock);
    for (unsigned i = 0; i < CLOUD_KNOWN_MAX; i++) {
        const struct cloud_known_row *row = &known->rows[i];
        bool fits = row->session == session && row->volume_gib == volume_gib;
        size_t differs = fits ? ec2_content_differs(wanted, &row->content) : least;
        if (differs < least) {
            best = row;
            least = differs;
        }
    }
    if (best) {
        mir_copy(ret_snapshot, EC2_ID_TEXT, best->snapshot);
        ec2_content_copy(&best->content, ret);
    }
    pthread_mutex_unlock(&known->lock);
    return best != NULL;
}
