/* SPDX-License-Identifier: ISC */
#include "fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/clock.h"
#include "api/fault.h"
#include "api/file.h"
#include "api/memory.h"
#include "apt.h"
#include "deb.h"

static void say(const struct img_fetch *fetch, const char *fmt, ...) MIR_PRINTF(2, 3);
static void say(const struct img_fetch *fetch, const char *fmt, ...)
{
    char text[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (fetch->say)
        fetch->say(text);
}

/* --- packages as files --- */

/* The first `ret_count` of `ret` are not in the cache as they have to be. What is damaged there is
 * removed where it can be fetched again. */
static int find_missing(const struct img_fetch *fetch, struct img_packages *packages, bool fetching,
                        const struct img_package **ret, size_t *ret_count, struct mir_error *err)
{
    size_t count = 0;
    for (size_t i = 0; i < packages->count; i++) {
        struct img_package *package = &packages->list[i];
        mir_auto_free char *name = img_package_file_name(package);
        struct mir_error said = {0};
        free(package->file);
        package->file = mir_format("%s/%s", fetch->cache->debs, name);
        if (!img_deb_check(package, &said))
            continue;
        if (said.kind != MIR_NOT_FOUND && !fetching) {
            if (err)
                *err = said;
            return -1;
        }
        if (said.kind != MIR_NOT_FOUND) {
            say(fetch, "%s; fetching it again", said.text);
            unlink(package->file);
        }
        ret[count++] = package;
    }
    *ret_count = count;
    return 0;
}

static int check_fetched(const struct img_package *package, struct mir_error *err)
{
    struct mir_error said = {0};
    if (!img_deb_check(package, &said))
        return 0;
    if (said.kind == MIR_CORRUPT) {
        mir_fail(&said, MIR_CORRUPT, "%s %s is not the package that the distribution signed",
                 package->name, package->version);
        mir_error_hint(&said, "a mirror or a proxy has another one; try again, or another mirror");
    }
    *err = said;
    return -1;
}

/* From the folder that apt has written to: each is looked at, and gets its name. */
static int take_in(const struct img_package *const *packages, size_t count, const char *folder,
                   struct mir_error *err)
{
    for (size_t i = 0; i < count; i++) {
        mir_auto_free char *name = img_package_file_name(packages[i]);
        struct img_package there = *packages[i];
        mir_auto_free char *path = mir_format("%s/%s", folder, name);
        there.file = path;
        if (check_fetched(&there, err) || mir_fault_before("carrier.deb", err))
            return -1;
        if (rename(path, packages[i]->file))
            return mir_fail_errno(err, errno, "cannot put %s in place", packages[i]->file);
        if (mir_fault_after("carrier.deb", err))
            return -1;
    }
    return 0;
}

static int download(const struct img_fetch *fetch, const struct img_apt *apt,
                    const struct img_package *const *packages, size_t count, struct mir_error *err)
{
    mir_auto_free char *folder = img_cache_new(fetch->cache, err);
    if (!folder)
        return -1;
    say(fetch, "fetching %zu package%s of Debian", count, count == 1 ? "" : "s");
    int rc =
        img_apt_download(apt, packages, count, folder, err) || take_in(packages, count, folder, err)
            ? -1
            : 0;
    mir_dir_remove_at(AT_FDCWD, folder, NULL);
    return rc;
}

/* All of them in the cache; apt NULL: they are, or MIR_UNAVAILABLE. */
static int have(const struct img_fetch *fetch, const struct img_apt *apt,
                struct img_packages *packages, struct mir_error *err)
{
    const struct img_package *missing[IMG_PACKAGES_MAX];
    size_t count;
    if (find_missing(fetch, packages, apt != NULL, missing, &count, err))
        return -1;
    if (!count)
        return 0;
    if (apt)
        return download(fetch, apt, missing, count, err);
    return mir_fail(err, MIR_UNAVAILABLE, "%zu of %zu packages are not in the cache (%s, ...)",
                    count, packages->count, missing[0]->name);
}

/* --- who they are --- */

static int check_sums(const struct img_packages *packages, struct mir_error *err)
{
    for (size_t i = 0; i < packages->count; i++)
        if (!*packages->list[i].sha256)
            return mir_fail(err, MIR_CORRUPT, "apt does not say the SHA-256 of %s",
                            packages->list[i].name);
    return 0;
}

static int ask(const struct img_fetch *fetch, struct img_apt *apt, struct img_packages *ret,
               struct mir_error *err)
{
    mir_auto_packages struct img_packages packages = {0};
    const struct img_catalogue catalogue = img_apt_catalogue(apt);
    if (img_resolve(&catalogue, fetch->carrier, fetch->dynamic_tender, &packages, err) ||
        check_sums(&packages, err) || have(fetch, apt, &packages, err))
        return -1;
    *ret = packages;
    packages = (struct img_packages){0};
    return 0;
}

/* What another list of packages does not help against. */
static bool is_final(const struct mir_error *err)
{
    return err->kind == MIR_NO_SPACE || err->kind == MIR_POLICY;
}

static int ask_any(const struct img_fetch *fetch, struct img_apt *apt, struct img_packages *ret,
                   struct mir_error *err)
{
    struct mir_error first = {0};
    if (!fetch->refresh && !ask(fetch, apt, ret, &first))
        return 0;
    if (is_final(&first)) {
        *err = first;
        return -1;
    }
    say(fetch, "fetching the lists of packages");
    return img_apt_update(apt, err) || ask(fetch, apt, ret, err) ? -1 : 0;
}

static int ask_apt(const struct img_fetch *fetch, struct img_fetched *ret, struct mir_error *err)
{
    struct img_apt apt = {0};
    mir_auto_free char *folder = mir_format("%s/apt", fetch->cache->folder);
    if (img_apt_init(&apt, folder, err))
        return -1;
    int rc = ask_any(fetch, &apt, &ret->packages, err);
    img_apt_clear(&apt);
    if (rc)
        return -1;
    ret->looked_s = mir_now_s(mir_clock_system());
    return 0;
}

static int fail_offline(const struct img_fetch *fetch, const struct mir_error *why,
                        struct mir_error *err)
{
    mir_fail(err, MIR_UNAVAILABLE, "the carrier %s cannot be made offline: %s",
             mir_carrier_name(fetch->carrier), why->text);
    return mir_error_hint(err, "make it once with a network; or --packages DIR");
}

/* Without apt, of what is remembered. */
static int use_cache(const struct img_fetch *fetch, struct img_fetched *remembered,
                     struct mir_error *err)
{
    remembered->from_cache = true;
    return have(fetch, NULL, &remembered->packages, err);
}

static int fail_apt(struct mir_error *said, struct mir_error *err)
{
    if (said->kind == MIR_FAILED)
        said->kind = MIR_UNAVAILABLE;
    if (said->kind == MIR_UNAVAILABLE && !*said->hint)
        mir_error_hint(said, "is the network there? else --packages DIR, with Debian's .deb files");
    *err = *said;
    return -1;
}

/* Apt first, and what is remembered where it does not answer. */
static int ask_or_use(const struct img_fetch *fetch, struct img_fetched *remembered,
                      struct img_fetched *ret, struct mir_error *err)
{
    struct mir_error said = {0};
    struct img_fetched asked = {.looked_s = 0};
    if (!ask_apt(fetch, &asked, &said)) {
        *ret = asked;
        return 0;
    }
    if (!remembered->packages.count || is_final(&said) || use_cache(fetch, remembered, NULL))
        return fail_apt(&said, err);
    say(fetch, "%s; using the packages that are in the cache", said.text);
    *ret = *remembered;
    remembered->packages = (struct img_packages){0};
    return 0;
}

static int use_offline(const struct img_fetch *fetch, struct img_fetched *remembered,
                       struct img_fetched *ret, struct mir_error *why, struct mir_error *err)
{
    if (!remembered->packages.count)
        return fail_offline(fetch, why, err);
    if (use_cache(fetch, remembered, why)) {
        if (why->kind != MIR_CORRUPT)
            return fail_offline(fetch, why, err);
        *err = *why;
        return -1;
    }
    *ret = *remembered;
    remembered->packages = (struct img_packages){0};
    return 0;
}

int img_fetch(const struct img_fetch *fetch, struct img_fetched *ret, struct mir_error *err)
{
    struct img_fetched remembered = {.looked_s = 0};
    struct mir_error why = {0}, said = {0};
    int rc;
    (void)img_cache_recall(fetch->cache, fetch->key, &remembered.packages, &remembered.looked_s,
                           &why);
    if (fetch->offline) {
        rc = use_offline(fetch, &remembered, ret, &why, &said);
    } else if (!fetch->refresh && remembered.packages.count &&
               !use_cache(fetch, &remembered, NULL)) {
        *ret = remembered;
        remembered.packages = (struct img_packages){0};
        rc = 0;
    } else {
        rc = ask_or_use(fetch, &remembered, ret, &said);
    }
    img_packages_clear(&remembered.packages);
    if (said.kind == MIR_NO_SPACE)
        mir_error_hint(&said, "make room there, or --cache DIR on another disk");
    if (rc && err)
        *err = said;
    return rc;
}
