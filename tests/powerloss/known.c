/* SPDX-License-Identifier: ISC */
/* Remembers the databases that were looked through: most power losses come to one of a few hundred
 * of them, and the same bytes give the same answers. What is compared is what SQLite reads, page by
 * page, after it has taken from the log what it may. */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "powerloss.h"

struct known_one {
    struct known_one *next;
    struct digest digest;
    const struct state *found[]; /* of each lease */
};

bool digest_of(sqlite3 *db, struct digest *ret)
{
    sqlite3_int64 size = 0;
    unsigned char *pages = sqlite3_serialize(db, "main", &size, 0);
    bool well = pages && size > 0 &&
                EVP_Digest(pages, (size_t)size, ret->bytes, NULL, EVP_sha256(), NULL) == 1;
    sqlite3_free(pages);
    return well;
}

static struct known_one **bucket(struct known *known, const struct digest *digest)
{
    size_t number;
    memcpy(&number, digest->bytes, sizeof number);
    return &known->buckets[number % KNOWN_BUCKETS];
}

const struct state *const *known_find(struct known *known, const struct digest *digest)
{
    for (struct known_one *one = *bucket(known, digest); one; one = one->next)
        if (!memcmp(&one->digest, digest, sizeof *digest))
            return one->found;
    return NULL;
}

void known_add(struct known *known, const struct digest *digest, const struct state *const *found,
               size_t count)
{
    struct known_one **at = bucket(known, digest);
    struct known_one *one = mir_calloc(1, sizeof *one + count * sizeof *found);
    one->next = *at;
    one->digest = *digest;
    memcpy(one->found, found, count * sizeof *found);
    *at = one;
}

void known_clear(struct known *known)
{
    for (size_t i = 0; i < KNOWN_BUCKETS; i++)
        for (struct known_one *one = known->buckets[i], *next; one; one = next) {
            next = one->next;
            free(one);
        }
    *known = (struct known){0};
}
