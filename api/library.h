/* SPDX-License-Identifier: ISC */
/*
 * Libraries that are loaded when they are first needed. libcurl and libxml2 bring thirty others
 * with them, of 4 MiB, which a daemon that talks to no cloud never uses: api/http.c, api/xml.c and
 * api/yaml.c call theirs through tables of functions that are filled here.
 */
#ifndef API_LIBRARY_H
#define API_LIBRARY_H

#include <pthread.h>
#include <stddef.h>

#include "api/error.h"

struct mir_library_symbol {
    const char *name;
    void **to; /* where its address goes: a pointer to a function */
};

struct mir_library {
    const char *file;    /* "libcurl.so.4" */
    const char *package; /* what brings it, for people */
    const struct mir_library_symbol *symbols;
    size_t count;
    int (*begin)(void); /* its own initialisation, with the table filled; 0 well */
    pthread_mutex_t lock;
    int loaded; /* atomic */
};

/* It is there when this is 0, and stays. MIR_UNAVAILABLE with what is missing; the next call tries
 * again. From any thread. */
int mir_library_need(struct mir_library *library, struct mir_error *err);

/* One row of a table `loaded` whose members are called as the functions. */
#define MIR_LIBRARY_MEMBER(name) __typeof__(name) *name;
#define MIR_LIBRARY_SYMBOL(name) {#name, (void **)&loaded.name},

#endif
