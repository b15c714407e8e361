/* SPDX-License-Identifier: ISC */
#include "parts.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "api/memory.h"
#include "modules.h"
#include "needed.h"

void img_parts_clear(struct img_parts *parts)
{
    free(parts->init.bytes);
    for (size_t i = 0; i < parts->tender_count; i++)
        free(parts->tenders[i].bytes);
    img_entries_clear(&parts->root);
    img_entries_clear(&parts->kept);
    img_packages_clear(&parts->packages);
    json_decref(parts->absent);
    *parts = (struct img_parts){.carrier = MIR_CARRIER_NONE};
}

bool img_parts_dynamic_tender(const struct img_parts *parts)
{
    bool found = false;
    for (size_t i = 0; i < parts->tender_count && !found; i++) {
        mir_auto_needed struct img_needed needed = {0};
        found = !img_needed_read(parts->tenders[i].bytes, parts->tenders[i].len, &needed, NULL) &&
                needed.interpreter;
    }
    return found;
}

/* --- what is kept of packages --- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_library(const char *path)
{
    static const char *const patterns[] = {
        "lib/*.so*",     "lib64/*.so*",     "lib/x86_64-linux-gnu/*.so*",
        "usr/lib/*.so*", "usr/lib64/*.so*", "usr/lib/x86_64-linux-gnu/*.so*"};
    for (size_t i = 0; i < MIR_NELEMS(patterns); i++)
        if (!fnmatch(patterns[i], path, FNM_PATHNAME))
            return true;
    return false;
}

/* "virtio_net" names virtio-net.ko, too, packed or not. */
static bool is_module(const char *file, const char *name)
{
    for (; *name; file++, name++)
        if (*file != *name && !((*file == '-' || *file == '_') && (*name == '-' || *name == '_')))
            return false;
    return !strncmp(file, ".ko", 3) && (!file[3] || file[3] == '.');
}

static bool has_tender(const struct img_parts *parts, const char *name)
{
    for (size_t i = 0; i < parts->tender_count; i++)
        if (!strcmp(parts->tenders[i].name, name))
            return true;
    return false;
}

bool img_parts_module_row(const struct img_parts *parts, const struct car_module_row *row)
{
    unsigned image = parts->carrier == MIR_CARRIER_XEN ? CAR_IN_XEN : CAR_IN_LINUX;
    bool virtual_machines = row->when & (CAR_WITH_VMX | CAR_WITH_SVM);
    return img_carrier_has_archive(parts->carrier) && (row->when & image) &&
           (!virtual_machines || has_tender(parts, "solo5-hvt"));
}

static bool is_wanted_module(const struct img_parts *parts, const char *path)
{
    const char *file = base_of(path);
    if (!strstr(path, "lib/modules/"))
        return false;
    if (!strcmp(file, "modules.builtin"))
        return true;
    for (size_t i = 0; i < car_modules_n; i++)
        for (size_t j = 0; img_parts_module_row(parts, &car_modules[i]) && j < CAR_MODULES_IN_ROW &&
                           car_modules[i].modules[j];
             j++)
            if (is_module(file, car_modules[i].modules[j]))
                return true;
    return false;
}

static bool is_output(const struct img_output *output, const char *path)
{
    return !fnmatch(output->pattern, path, FNM_PATHNAME) ||
           (output->config && !fnmatch(output->config, path, FNM_PATHNAME));
}

static bool is_placed(enum mir_carrier carrier, const char *path)
{
    for (size_t i = 0; i < img_placed_n; i++)
        if ((img_placed[i].in & IMG_IN(carrier)) &&
            !fnmatch(img_placed[i].pattern, path, FNM_PATHNAME))
            return true;
    for (size_t i = 0; i < img_outputs_n; i++)
        if ((img_outputs[i].in & IMG_IN(carrier)) && is_output(&img_outputs[i], path))
            return true;
    return false;
}

bool img_parts_wanted(const void *ctx, const char *path)
{
    const struct img_parts *parts = ctx;
    return is_placed(parts->carrier, path) || (img_carrier_has_archive(parts->carrier) &&
                                               (is_library(path) || is_wanted_module(parts, path)));
}

const struct img_entry *img_parts_one(const struct img_parts *parts, const char *pattern,
                                      struct mir_error *err)
{
    const struct img_entry *found = NULL;
    for (size_t i = 0; i < parts->kept.count; i++) {
        const struct img_entry *entry = &parts->kept.list[i];
        if (entry->kind != IMG_ENTRY_FILE || fnmatch(pattern, entry->path, FNM_PATHNAME))
            continue;
        if (found) {
            mir_fail(err, MIR_CORRUPT, "the packages have %s and %s, where one is wanted",
                     found->path, entry->path);
            return NULL;
        }
        found = entry;
    }
    if (found && found->len)
        return found;
    mir_fail(err, MIR_NOT_FOUND, "no package has a file %s", pattern);
    mir_error_hint(err, "this distribution's packages are cut in another way than Debian's");
    return NULL;
}

/* --- the first root --- */

static void add_file(struct img_parts *parts, char *path, unsigned mode,
                     const struct img_own_file *file)
{
    const void *bytes = file->bytes;
    img_entries_add(
        &parts->root,
        &(struct img_entry){.path = path, .mode = mode, .bytes = bytes, .len = file->len});
}

static void add_fixed(struct img_parts *parts, const struct img_fixed *fixed)
{
    static const unsigned char nothing[1];
    char path[64], target[64];
    mir_copy(path, sizeof path, fixed->path);
    mir_copy(target, sizeof target, fixed->target ? fixed->target : "");
    img_entries_add(&parts->root, &(struct img_entry){.path = path,
                                                      .kind = fixed->kind,
                                                      .mode = fixed->mode,
                                                      .bytes = nothing,
                                                      .target = target});
}

static int add_placed(struct img_parts *parts, const struct img_placed *placed,
                      struct mir_error *err)
{
    char path[64];
    const struct img_entry *entry = img_parts_one(parts, placed->pattern, err);
    if (!entry)
        return -1;
    mir_copy(path, sizeof path, placed->path);
    img_entries_add(&parts->root, &(struct img_entry){.path = path,
                                                      .mode = 0755,
                                                      .bytes = entry->bytes,
                                                      .len = entry->len,
                                                      .package = entry->package});
    return 0;
}

static void add_own(struct img_parts *parts)
{
    char init[] = "init";
    add_file(parts, init, 0755, &parts->init);
    for (size_t i = 0; i < parts->tender_count; i++) {
        mir_auto_free char *path = mir_format("tender/%s", parts->tenders[i].name);
        add_file(parts, path, 0755, &parts->tenders[i]);
    }
}

int img_parts_compose(struct img_parts *parts, struct mir_error *err)
{
    unsigned in = IMG_IN(parts->carrier);
    parts->absent = json_array();
    if (!img_carrier_has_archive(parts->carrier))
        return 0;
    for (size_t i = 0; i < img_fixed_n; i++)
        if (img_fixed[i].in & in)
            add_fixed(parts, &img_fixed[i]);
    add_own(parts);
    for (size_t i = 0; i < img_placed_n; i++)
        if ((img_placed[i].in & in) && add_placed(parts, &img_placed[i], err))
            return -1;
    return img_parts_modules(parts, err) || img_parts_libraries(parts, err) ? -1 : 0;
}
