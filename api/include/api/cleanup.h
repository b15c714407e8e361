/* SPDX-License-Identifier: ISC */
/*
 * Scoped ownership: a variable marked with one of these releases what it holds when its scope
 * ends. Every destructor named here accepts NULL (or -1).
 */
#ifndef API_CLEANUP_H
#define API_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MIR_CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void mir_cleanup_freep(void *p)
{
    void **slot = p;
    free(*slot);
}

static inline void mir_cleanup_closep(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void mir_cleanup_fclosep(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define mir_auto_free MIR_CLEANUP(mir_cleanup_freep)
#define mir_auto_close MIR_CLEANUP(mir_cleanup_closep)
#define mir_auto_fclose MIR_CLEANUP(mir_cleanup_fclosep)

/* Hand the value out of a scoped variable: `return mir_steal(&p);` */
#define mir_steal(slot)                                                                            \
    __extension__({                                                                                \
        __typeof__(*(slot)) stolen_ = *(slot);                                                     \
        *(slot) = NULL;                                                                            \
        stolen_;                                                                                   \
    })

static inline int mir_steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

#endif
