/* SPDX-License-Identifier: ISC */
/*
 * Which packages a carrier needs: from the roots of its shape to the newest of each, and on to the
 * libraries they depend on. Pure, over whoever knows packages.
 */
#ifndef IMAGES_CARRIER_RESOLVE_H
#define IMAGES_CARRIER_RESOLVE_H

#include "package.h"
#include "shape.h"

/* Who knows packages: apt, or a folder of them. */
struct img_catalogue {
    /* Adds what is known of these names to `ret`; a name that is not known is passed over. */
    int (*show)(void *ctx, const char *const *names, size_t count, struct img_packages *ret,
                struct mir_error *err);
    void *ctx;
    const struct img_packages *all; /* when it knows few enough to list them; NULL else */
};

/*
 * MIR_NOT_FOUND names all roots that are not known, in one message. Libraries that are not known
 * are passed over: whether one of them is missing is seen when the programs' needs are followed.
 */
int img_resolve(const struct img_catalogue *catalogue, enum mir_carrier carrier,
                bool dynamic_tender, struct img_packages *ret, struct mir_error *err);

#endif
