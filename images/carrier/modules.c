/* SPDX-License-Identifier: ISC */
/* The modules of Linux in a root: those of the first process' table, as /k/NAME.ko. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "api/buf.h"
#include "api/memory.h"
#include "modules.h"
#include "needed.h"
#include "parts.h"
#include "squeeze.h"

/* Drivers of machines, of which a Linux may have some and not others. */
#define OPTIONAL (CAR_WITH_PCI | CAR_WITH_VMX | CAR_WITH_SVM | CAR_ON_XEN)

static bool same_name(const char *a, size_t len, const char *b)
{
    for (size_t i = 0; i < len; i++)
        if (a[i] != b[i] && !(strchr("-_", a[i]) && b[i] && strchr("-_", b[i])))
            return false;
    return !b[len];
}

/* The file in the packages, "...NAME.ko" and perhaps an ending for how it is packed; NULL: none. */
static const struct img_entry *find_module(const struct img_entries *kept, const char *name)
{
    for (size_t i = 0; i < kept->count; i++) {
        const char *file = strrchr(kept->list[i].path, '/');
        const char *end = file ? strstr(file, ".ko") : NULL;
        if (end && same_name(file + 1, (size_t)(end - file - 1), name))
            return &kept->list[i];
    }
    return NULL;
}

/* Lines of "kernel/.../NAME.ko". */
static bool is_builtin(const struct img_entries *kept, const char *name)
{
    for (size_t i = 0; i < kept->count; i++) {
        const char *file = strrchr(kept->list[i].path, '/');
        if (!file || strcmp(file, "/modules.builtin") != 0)
            continue;
        const char *text = (const char *)kept->list[i].bytes;
        for (const char *end = text; (end = strstr(end, ".ko\n")); end++) {
            const char *begin = end;
            while (begin > text && begin[-1] != '/' && begin[-1] != '\n')
                begin--;
            if (same_name(begin, (size_t)(end - begin), name))
                return true;
        }
    }
    return false;
}

static char *path_of(const char *name, size_t len)
{
    char *path = mir_format("k/%.*s.ko", (int)len, name);
    return path;
}

/* Whether what the module depends on is there; names what is not. */
static bool depends_met(const struct img_parts *parts, const struct img_entry *module,
                        struct mir_buf *missing)
{
    mir_auto_free char *depends = img_modinfo(module->bytes, module->len, "depends");
    for (const char *p = depends; *p;) {
        size_t len = strcspn(p, ",");
        bool met = !len;
        for (size_t i = 0; i < parts->root.count && !met; i++) {
            const char *path = parts->root.list[i].path;
            size_t path_len = strlen(path);
            mir_auto_free char *want = path_of(p, len);
            met = same_name(path, path_len, want);
        }
        if (!met)
            mir_buf_addf(missing, " %.*s", (int)len, p);
        p += len + (p[len] == ',');
    }
    return !missing->len;
}

static int unpack(const struct img_entry *from, const char *path, struct img_entry *ret,
                  struct mir_error *err)
{
    *ret = (struct img_entry){.mode = 0644, .package = from->package};
    if (img_unsqueeze(from->bytes, from->len, IMG_ENTRY_BYTES_MAX, &ret->owned, &ret->len, err))
        return mir_error_wrap(err, "%s", from->path);
    ret->bytes = ret->owned;
    if (img_is_elf(ret->bytes, ret->len))
        return 0;
    free(ret->owned);
    return mir_fail(err, MIR_CORRUPT, "%s is no kernel module", path);
}

/* 0 also when an optional one is not there, which is noted. */
static int add_module(struct img_parts *parts, const char *name, unsigned when,
                      struct mir_error *err)
{
    bool optional = when & OPTIONAL;
    mir_auto_free char *path = path_of(name, strlen(name));
    mir_auto_buf struct mir_buf missing;
    mir_buf_init(&missing, 256);
    if (img_entries_find(&parts->root, path) || is_builtin(&parts->kept, name))
        return 0;
    const struct img_entry *from = find_module(&parts->kept, name);
    struct img_entry module = {0};
    if (from && unpack(from, path, &module, err))
        return -1;
    module.path = path;
    module.for_disks = when & (CAR_WITH_BLOCKS | CAR_IS_DISK);
    if (from && depends_met(parts, &module, &missing)) {
        img_entries_add(&parts->root, &module);
        return 0;
    }
    free(module.owned);
    if (!optional && from)
        return mir_fail(err, MIR_CORRUPT, "the module %s needs%s, which the carrier has not", name,
                        mir_buf_text(&missing));
    if (!optional)
        return mir_fail(err, MIR_NOT_FOUND, "this Linux has no module %s", name);
    json_array_append_new(
        parts->absent,
        json_sprintf("%s%s%s", name, missing.len ? ", which needs" : "", mir_buf_text(&missing)));
    return 0;
}

int img_parts_modules(struct img_parts *parts, struct mir_error *err)
{
    for (size_t i = 0; i < car_modules_n; i++) {
        const struct car_module_row *row = &car_modules[i];
        if (!img_parts_module_row(parts, row))
            continue;
        for (size_t j = 0; j < CAR_MODULES_IN_ROW && row->modules[j]; j++)
            if (add_module(parts, row->modules[j], row->when, err))
                return -1;
    }
    return 0;
}
