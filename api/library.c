/* SPDX-License-Identifier: ISC */
#include "library.h"

#include <dlfcn.h>

static int load(const struct mir_library *library, struct mir_error *err)
{
    void *handle = dlopen(library->file, RTLD_LAZY | RTLD_LOCAL);
    if (!handle) {
        mir_fail(err, MIR_UNAVAILABLE, "a library cannot be loaded: %s", dlerror());
        return mir_error_hint(err, "install %s", library->package);
    }
    for (size_t i = 0; i < library->count; i++) {
        *library->symbols[i].to = dlsym(handle, library->symbols[i].name);
        if (!*library->symbols[i].to) {
            mir_fail(err, MIR_UNAVAILABLE, "%s has no %s", library->file, library->symbols[i].name);
            dlclose(handle);
            return mir_error_hint(err, "install a newer %s", library->package);
        }
    }
    if (library->begin && library->begin()) {
        mir_fail(err, MIR_UNAVAILABLE, "%s cannot be initialised", library->file);
        return mir_error_hint(err, "install %s again", library->package);
    }
    return 0;
}

int mir_library_need(struct mir_library *library, struct mir_error *err)
{
    if (__atomic_load_n(&library->loaded, __ATOMIC_ACQUIRE))
        return 0;
    pthread_mutex_lock(&library->lock);
    int rc = library->loaded ? 0 : load(library, err);
    if (!rc)
        __atomic_store_n(&library->loaded, 1, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&library->lock);
    return rc;
}
